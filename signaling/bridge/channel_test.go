package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// pipes is a listener whose connections are pipes in memory.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recorder is a Handler that writes down its calls.
type recorder struct {
	mu      sync.Mutex
	events  []string
	channel *Channel
	onOpen  func(*Channel)
	onEach  func(*Channel)
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) Opened(c *Channel) {
	r.note("opened")
	r.mu.Lock()
	r.channel = c
	r.mu.Unlock()
	if r.onOpen != nil {
		r.onOpen(c)
	}
}

func (r *recorder) Message(c *Channel, m Message) {
	r.note("%T", m)
	if r.onEach != nil {
		r.onEach(c)
	}
}

func (r *recorder) Closed(_ *Channel, err error) {
	var ce websocket.CloseError
	if errors.As(err, &ce) {
		err = fmt.Errorf("client closed %d", ce.Code)
	}
	r.note("closed: %v", err)
}

func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.events...)
}

// bed is a bridge server in a bubble of virtual time.
type bed struct {
	t      *testing.T
	pipes  *pipes
	bridge *Server
	http   *http.Server
	rec    *recorder
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, rec: &recorder{}, pipes: &pipes{conns: make(chan net.Conn), done: make(chan struct{})}}
	b.bridge = NewServer(Config{
		Version: "test",
		Lookup: func(conference, endpoint, password string) (Handler, bool) {
			return b.rec, conference == "conf" && password == "secret"
		},
	})
	b.http = &http.Server{Handler: b.bridge}
	go func() { _ = b.http.Serve(b.pipes) }()
	return b
}

func (b *bed) close() {
	b.bridge.Close()
	_ = b.http.Close()
}

// dial opens a channel, or returns the HTTP status that it was refused with.
func (b *bed) dial(path string) (*websocket.Conn, int, error) {
	return b.dialWith(path, nil)
}

func (b *bed) dialWith(path string, onPing func(context.Context, []byte) bool) (*websocket.Conn, int, error) {
	client := &http.Client{Transport: &http.Transport{DialContext: b.pipes.dial, DisableKeepAlives: true}}
	options := &websocket.DialOptions{HTTPClient: client, OnPingReceived: onPing}
	ws, resp, err := websocket.Dial(b.t.Context(), "ws://node.test"+path, options) //nolint:bodyclose // not needed, says its documentation
	if resp == nil {
		return ws, 0, err
	}
	return ws, resp.StatusCode, err
}

// client reads everything in the background: a browser does so too, and only then answers pings.
type client struct {
	*websocket.Conn
	frames chan string
	closed chan error
}

func (b *bed) join() *client {
	b.t.Helper()
	return b.joinWith(nil)
}

func (b *bed) joinWith(onPing func(context.Context, []byte) bool) *client {
	b.t.Helper()
	ws, _, err := b.dialWith("/colibri-ws/node/conf/05cf9031?pwd=secret", onPing)
	if err != nil {
		b.t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	c := &client{ws, make(chan string, 4*queueItems), make(chan error, 1)}
	go func() {
		for {
			_, frame, err := ws.Read(context.Background())
			if err != nil {
				c.closed <- err
				_ = ws.CloseNow()
				return
			}
			c.frames <- string(frame)
		}
	}()
	synctest.Wait()
	return c
}

func (c *client) send(t *testing.T, frame string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		t.Fatal(err)
	}
}

func TestHelloComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		b.rec.onOpen = func(c *Channel) { c.Send(ForwardedSources{[]room.SourceName{"05cf9031-v0"}}) }
		c := b.join()
		for _, want := range []string{
			`{"colibriClass":"ServerHello","version":"test"}`,
			`{"colibriClass":"ForwardedSources","forwardedSources":["05cf9031-v0"]}`,
		} {
			if got := <-c.frames; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		c.send(t, `{"colibriClass":"LastNChangedEvent","lastN":3}`)
		c.send(t, `{"colibriClass":"FromTheFuture"}`)
		c.send(t, `not json`)
		c.send(t, `{"colibriClass":"ClientHello"}`)
		synctest.Wait()
		if err := c.Close(websocket.StatusGoingAway, ""); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		want := []string{"opened", "bridge.LastNChangedEvent", "bridge.ClientHello", "closed: client closed 1001"}
		if d := cmp.Diff(want, b.rec.seen()); d != "" {
			t.Error(d)
		}
	})
}

func TestRefusedChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		for path, status := range map[string]int{
			"/colibri-ws/node/conf/05cf9031?pwd=wrong":   http.StatusForbidden,
			"/colibri-ws/node/conf/05cf9031":             http.StatusForbidden,
			"/colibri-ws/node/other/05cf9031?pwd=secret": http.StatusForbidden,
			"/colibri-ws/conf/05cf9031?pwd=secret":       http.StatusNotFound,
			"/colibri-ws/node/conf/a/b?pwd=secret":       http.StatusNotFound,
			"/colibri-ws/node//05cf9031?pwd=secret":      http.StatusNotFound,
		} {
			if _, got, err := b.dial(path); err == nil || got != status {
				t.Errorf("%s: %d, %v, want status %d", path, got, err, status)
			}
		}
		if len(b.rec.seen()) != 0 {
			t.Errorf("handler was called: %v", b.rec.seen())
		}
	})
}

func TestOriginIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		b.bridge.cfg.AllowOrigin = func(r *http.Request) bool { return r.Header.Get("Origin") != "" }
		if _, status, err := b.dial("/colibri-ws/node/conf/05cf9031?pwd=secret"); err == nil || status != http.StatusForbidden {
			t.Errorf("%d, %v", status, err)
		}
	})
}

func TestNewerChannelReplacesOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		old := b.join()
		newer := b.join()
		<-old.closed
		want := []string{"opened", "closed: " + ErrReplaced.Error(), "opened"}
		if d := cmp.Diff(want, b.rec.seen()); d != "" {
			t.Error(d)
		}
		newer.send(t, `{"colibriClass":"ClientHello"}`)
		synctest.Wait()
		if got := b.rec.seen(); got[len(got)-1] != "bridge.ClientHello" {
			t.Errorf("the newer channel is dead: %v", got)
		}
	})
}

func TestCloseTellsTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		c := b.join()
		b.rec.channel.Close(StatusGoingAway, "alone")
		if err := <-c.closed; websocket.CloseStatus(err) != StatusGoingAway {
			t.Error(err)
		}
		synctest.Wait()
		if d := cmp.Diff([]string{"opened", "closed: closed by the node"}, b.rec.seen()); d != "" {
			t.Error(d)
		}
		b.rec.channel.Send(ClientHello{}) // harmless
	})
}

func TestNothingIsDeliveredAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		b.rec.onEach = func(c *Channel) { c.Close(StatusNormal, "enough") }
		c := b.join()
		for range 5 {
			_ = c.Write(t.Context(), websocket.MessageText, []byte(`{"colibriClass":"ClientHello"}`))
		}
		<-c.closed
		synctest.Wait()
		if d := cmp.Diff([]string{"opened", "bridge.ClientHello", "closed: closed by the node"}, b.rec.seen()); d != "" {
			t.Error(d)
		}
	})
}

func TestSlowClientIsClosed(t *testing.T) {
	for name, c := range map[string]struct {
		frame string
		count int
	}{
		"items": {`{}`, queueItems + 10},
		"bytes": {`{"x":"` + strings.Repeat("x", 50<<10) + `"}`, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				defer b.close()
				ws, _, err := b.dial("/colibri-ws/node/conf/05cf9031?pwd=secret") // never reads
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = ws.CloseNow() }()
				synctest.Wait()
				start := time.Now()
				for range c.count {
					b.rec.channel.Send(EndpointMessage{Payload: json.RawMessage(c.frame)})
				}
				if time.Since(start) != 0 {
					t.Errorf("send blocked for %v", time.Since(start))
				}
				time.Sleep(11 * time.Second)
				if d := cmp.Diff([]string{"opened", "closed: outgoing queue full"}, b.rec.seen()); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// A client that reads gets as much as there is.
func TestQueueEmpties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		c := b.join()
		big := json.RawMessage(`{"x":"` + strings.Repeat("x", 50<<10) + `"}`)
		for range 3 * queueItems {
			b.rec.channel.Send(EndpointMessage{Payload: big})
			synctest.Wait()
		}
		if n := len(c.frames); n != 1+3*queueItems {
			t.Errorf("%d frames arrived", n)
		}
	})
}

// A channel that is replaced before its handler heard of it is never mentioned.
func TestEndBeforeOpen(t *testing.T) {
	rec := &recorder{}
	c := newChannel(nil, rec, new(atomic.Uint64))
	c.end(ErrReplaced)
	c.open()
	c.deliver(ClientHello{})
	if len(rec.seen()) != 0 {
		t.Errorf("handler was called: %v", rec.seen())
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		c := b.join()
		for range 300 { // 50 a second for six seconds is allowed
			c.send(t, `{"colibriClass":"ClientHello"}`)
			time.Sleep(20 * time.Millisecond)
		}
		for range bucketBurst - 5 {
			c.send(t, `garbage counts too`)
		}
		synctest.Wait()
		select {
		case err := <-c.closed:
			t.Fatalf("closed within the rate: %v", err)
		default:
		}
		for range 10 {
			_ = c.Write(t.Context(), websocket.MessageText, []byte(`{}`))
		}
		if err := <-c.closed; websocket.CloseStatus(err) != StatusPolicyViolation {
			t.Error(err)
		}
	})
}

func TestLargeAndBinaryFramesClose(t *testing.T) {
	for name, c := range map[string]struct {
		kind websocket.MessageType
		size int
		want Status
	}{
		"large":  {websocket.MessageText, MaxMessage + 1, websocket.StatusMessageTooBig},
		"binary": {websocket.MessageBinary, 1, StatusUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				defer b.close()
				cl := b.join()
				_ = cl.Write(t.Context(), c.kind, make([]byte, c.size))
				if err := <-cl.closed; websocket.CloseStatus(err) != c.want {
					t.Errorf("got %v, want %d", err, c.want)
				}
				if got := b.bridge.Stats().Broken; got != 1 { // before the client knows: it may be back at once
					t.Errorf("%d broken", got)
				}
			})
		})
	}
}

func TestLargestFrameArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		c := b.join()
		frame := `{"colibriClass":"EndpointMessage","msgPayload":{"x":"`
		frame += strings.Repeat("x", MaxMessage-len(frame)-3) + `"}}`
		c.send(t, frame)
		synctest.Wait()
		if d := cmp.Diff([]string{"opened", "bridge.EndpointMessage"}, b.rec.seen()); d != "" {
			t.Error(d)
		}
	})
}

func TestSilentClientIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		defer b.close()
		pings := 0
		c := b.joinWith(func(context.Context, []byte) bool { pings++; return pings <= 40 })
		time.Sleep(10*time.Minute + pongWithin - time.Second) // 40 pings are answered
		if d := cmp.Diff([]string{"opened"}, b.rec.seen()); d != "" {
			t.Fatal(d)
		}
		time.Sleep(pingEvery + 2*time.Second)
		if got := b.rec.seen(); len(got) != 2 || !strings.HasPrefix(got[1], "closed: ping bridge channel") {
			t.Errorf("nothing noticed: %v", got)
		}
		<-c.closed
	})
}

func TestServerCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble fails when a goroutine is left
		b := newBed(t)
		c := b.join()
		b.bridge.Close()
		if err := <-c.closed; websocket.CloseStatus(err) != StatusGoingAway {
			t.Error(err)
		}
		if _, status, err := b.dial("/colibri-ws/node/conf/05cf9031?pwd=secret"); err == nil || status != http.StatusServiceUnavailable {
			t.Errorf("closed server answers %d, %v", status, err)
		}
		if len(b.bridge.channels) != 0 {
			t.Errorf("%d channels left", len(b.bridge.channels))
		}
		b.close()
	})
}
