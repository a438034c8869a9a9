package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

// recorder is a handler that writes down its calls.
type recorder struct {
	mu       sync.Mutex
	calls    []string
	sessions []*Session
	onStanza func(*Session, *stanza.Element)
}

func (r *recorder) note(s *Session, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
	r.sessions = append(r.sessions, s)
}

func (r *recorder) Bound(s *Session) { r.note(s, "bound") }

func (r *recorder) Stanza(s *Session, el *stanza.Element) {
	r.note(s, "%s %s", el.Local, el.Attr("id"))
	if r.onStanza != nil {
		r.onStanza(s, el)
	}
}

func (r *recorder) Suspended(s *Session)         { r.note(s, "suspended") }
func (r *recorder) Resumed(s *Session)           { r.note(s, "resumed") }
func (r *recorder) Closed(s *Session, why Cause) { r.note(s, "closed: %s", why) }

// last returns the session of the last call.
func (r *recorder) last() *Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sessions) == 0 {
		return nil
	}
	return r.sessions[len(r.sessions)-1]
}

// expect compares all calls so far.
func (r *recorder) expect(t *testing.T, calls ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if got, want := strings.Join(r.calls, ", "), strings.Join(calls, ", "); got != want {
		t.Errorf("handler calls:\ngot  %s\nwant %s", got, want)
	}
}

// memoryListener hands out the far ends of pipes.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { close(l.closed); return nil }
func (l *memoryListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// network is a server behind an in-memory listener, for use in a bubble.
type network struct {
	t        *testing.T
	server   *Server
	recorder *recorder
	listener *memoryListener
	http     *http.Server
}

func newNetwork(t *testing.T, change func(*Config)) *network {
	t.Helper()
	n := &network{t: t, recorder: &recorder{}, listener: &memoryListener{make(chan net.Conn), make(chan struct{})}}
	c := Config{Domain: "meet.test", Node: "n1", Handler: n.recorder}
	if change != nil {
		change(&c)
	}
	n.server = NewServer(c)
	n.http = &http.Server{Handler: n.server}
	go func() { _ = n.http.Serve(n.listener) }()
	return n
}

func (n *network) close() {
	n.server.Close()
	_ = n.http.Close()
}

// dial opens a socket, without a stream.
func (n *network) dial(query string) *client {
	n.t.Helper()
	c := &client{t: n.t}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		n.listener.conns <- far
		c.net = near
		return near, nil
	}}
	ws, _, err := websocket.Dial(n.t.Context(), "ws://meet.test/xmpp-websocket"+query, //nolint:bodyclose // the socket is the body
		&websocket.DialOptions{Subprotocols: []string{"xmpp"}, HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		n.t.Fatalf("dial: %v", err)
	}
	ws.SetReadLimit(-1)
	c.ws = ws
	return c
}

// client is a client that speaks frames and checks the namespaces of all it gets.
type client struct {
	t   *testing.T
	ws  *websocket.Conn
	net net.Conn // nil when the socket is a real one
	jid string
}

func (c *client) send(messages ...string) {
	c.t.Helper()
	for _, m := range messages {
		if err := c.ws.Write(c.t.Context(), websocket.MessageText, []byte(m)); err != nil {
			c.t.Fatalf("send %s: %v", m, err)
		}
	}
}

func (c *client) receive() string {
	c.t.Helper()
	patience := 5 * time.Second
	if c.net == nil { // the real clock, and others on the machine
		patience = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	_, b, err := c.ws.Read(ctx)
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	if err := stanzatest.CheckNamespaces(b); err != nil {
		c.t.Error(err)
	}
	return string(b)
}

// expect receives messages that each contain what is asked for.
func (c *client) expect(parts ...string) (messages []string) {
	c.t.Helper()
	for _, p := range parts {
		m := c.receive()
		if !strings.Contains(m, p) {
			c.t.Fatalf("got %s\nwant %s in it", m, p)
		}
		messages = append(messages, m)
	}
	return messages
}

// expectEnd reads to the close frame.
func (c *client) expectEnd() {
	c.t.Helper()
	_, b, err := c.ws.Read(c.t.Context())
	if err == nil {
		c.t.Fatalf("got %s, want the end of the socket", b)
	}
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.StatusNormalClosure {
		c.t.Fatalf("got %v, want a close frame", err)
	}
}

// cut breaks the socket without a word.
func (c *client) cut() {
	_ = c.net.Close()
	_ = c.ws.CloseNow()
	synctest.Wait()
}

const (
	openXML  = `<open to="meet.test" version="1.0" xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`
	authXML  = `<auth mechanism="ANONYMOUS" xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`
	bindXML  = `<iq id="_bind_auth_2" type="set" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`
	closeXML = `<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`
	rXML     = `<r xmlns="urn:xmpp:sm:3"/>`
)

// login goes to where bind or resume come next.
func (c *client) login() *client {
	c.t.Helper()
	c.send(openXML)
	c.expect(`<open `, `<mechanism xmlns="urn:ietf:params:xml:ns:xmpp-sasl">ANONYMOUS</mechanism>`)
	c.send(authXML)
	c.expect(`<success `)
	c.send(openXML)
	c.expect(`<open `, `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>`)
	return c
}

// bind logs in and binds.
func (c *client) bind() *client {
	c.t.Helper()
	c.login().send(bindXML)
	answer := c.expect(`type="result" id="_bind_auth_2"`)[0]
	_, rest, _ := strings.Cut(answer, `<jid xmlns="urn:ietf:params:xml:ns:xmpp-bind">`)
	c.jid, _, _ = strings.Cut(rest, "<")
	if c.net != nil {
		synctest.Wait() // the handler knows
	}
	return c
}

// enable turns stream management on and returns the token.
func (c *client) enable() string {
	c.t.Helper()
	c.send(`<enable resume="true" xmlns="urn:xmpp:sm:3"/>`)
	el, err := stanza.Parse([]byte(c.expect(`<enabled `)[0]), stanza.Limits{})
	if err != nil {
		c.t.Fatal(err)
	}
	return el.Attr("id")
}

func resumeXML(token string, h int) string {
	return fmt.Sprintf(`<resume h="%d" previd="%s" xmlns="urn:xmpp:sm:3"/>`, h, token)
}

func ackXML(h int) string { return fmt.Sprintf(`<a h="%d" xmlns="urn:xmpp:sm:3"/>`, h) }

func message(id string) string {
	return `<message id="` + id + `" to="room@conference.meet.test" xmlns="jabber:client"><body>x</body></message>`
}

// bubble runs a test in virtual time; all goroutines must have ended after it.
func bubble(t *testing.T, change func(*Config), f func(t *testing.T, n *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, change)
		defer n.close()
		f(t, n)
	})
}
