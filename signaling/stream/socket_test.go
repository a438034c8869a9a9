package stream

import (
	"context"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// echo sends every message back with its inner bytes.
type echo struct{ recorder }

func (e *echo) Stanza(s *Session, el *stanza.Element) {
	v := el.Envelope()
	v.From, v.To = v.To, s.JID()
	s.Send(v.Append(nil, el.Inner()))
}

func dialReal(t testing.TB, url string) *client {
	t.Helper()
	ws, _, err := websocket.Dial(context.Background(), url, &websocket.DialOptions{Subprotocols: []string{"xmpp"}}) //nolint:bodyclose // the socket is the body
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	tt, _ := t.(*testing.T)
	return &client{t: tt, ws: ws}
}

func TestRealSockets(t *testing.T) {
	s := NewServer(Config{Domain: "meet.test", Node: "n1", Handler: &echo{}})
	h := httptest.NewServer(s)
	const inner = `<body>häl&amp;lo</body><x xmlns="jitsi"><y xmlns="jitsi"/></x>`
	clients := 200
	if testing.Short() { // the race detector: a stream has ten seconds for its login
		clients = 40
	}
	var wait sync.WaitGroup
	for range clients {
		wait.Go(func() {
			c := dialReal(t, h.URL).bind()
			token := c.enable()
			big := strings.Repeat("x", 10<<10)
			c.send(`<message id="1" to="r" xmlns="jabber:client">` + inner + `</message>`)
			want := fmt.Sprintf(`<message xmlns="jabber:client" to="%s" from="r" id="1">%s</message>`, c.jid, inner)
			if got := c.receive(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			c.send(message(big)) // one message, however long
			c.expect(big)
			_ = c.ws.CloseNow()
			c = dialReal(t, h.URL+"?previd="+token).login()
			c.send(resumeXML(token, 1))
			c.expect(`h="2"`, big, `<r `)
			c.send(closeXML)
			c.expect(`<close `)
			c.expectEnd()
		})
	}
	wait.Wait()
	h.Close()
	s.Close()
	stats := s.Stats()
	if stats.Bound != uint64(clients) || stats.Resumed != uint64(clients) || stats.Sessions != 0 || stats.Sockets != 0 || stats.StreamErrors != 0 {
		t.Errorf("stats %+v", stats)
	}
	noGoroutines(t)
}

// noGoroutines fails when goroutines of the server are left over.
func noGoroutines(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "stream.(*socket)") && !strings.Contains(stacks, "stream.(*Session)") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left over:\n%s", stacks)
		}
	}
}

// BenchmarkDeliver is one stanza to 50 clients, with all that the server does for it.
func BenchmarkDeliver(b *testing.B) {
	r := &recorder{}
	s := NewServer(Config{Domain: "meet.test", Node: "n1", Handler: r})
	defer s.Close()
	h := httptest.NewServer(s)
	defer h.Close()
	var sessions []*Session
	var wait sync.WaitGroup
	for range 50 {
		c := dialReal(b, h.URL)
		for _, m := range []string{openXML, authXML, openXML, bindXML} {
			if err := c.ws.Write(context.Background(), websocket.MessageText, []byte(m)); err != nil {
				b.Fatal(err)
			}
		}
		for range 6 {
			if _, _, err := c.ws.Read(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		for r.last() == nil || len(sessions) > 0 && r.last() == sessions[len(sessions)-1] {
			runtime.Gosched()
		}
		sessions = append(sessions, r.last())
		wait.Go(func() {
			for range b.N {
				if _, _, err := c.ws.Read(context.Background()); err != nil {
					b.Error(err)
					return
				}
			}
			_ = c.ws.CloseNow()
		})
	}
	v := stanza.Envelope{Name: "message", From: "room@conference.meet.test/478dfae7", Type: "groupchat", ID: "9f3b"}
	inner := []byte(`<body>` + strings.Repeat("x", 100) + `</body>`)
	b.ResetTimer()
	for range b.N {
		for _, t := range sessions {
			v.To = t.JID()
			t.Send(v.Append(nil, inner))
		}
		for _, t := range sessions { // as fast as the clients read
			for t.waiting() > 16 {
				runtime.Gosched()
			}
		}
	}
	wait.Wait()
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*50), "us/delivery")
}

func (s *Session) waiting() int {
	s.mu.Lock()
	k := s.socket
	s.mu.Unlock()
	if k == nil {
		return 0
	}
	k.queue.mu.Lock()
	defer k.queue.mu.Unlock()
	return k.queue.items
}
