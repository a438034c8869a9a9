package resume

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// oneConn is a listener with one connection, in memory.
type oneConn struct {
	conns chan net.Conn
}

func (l oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (oneConn) Close() error   { return nil }
func (oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// client is a client with a socket at a node.
type client struct {
	n   *node
	ws  *websocket.Conn
	jid string
}

// client opens a stream and has it managed.
func (n *node) client() *client {
	n.c.t.Helper()
	l := oneConn{make(chan net.Conn)}
	server := &http.Server{Handler: n.streams}
	go func() { _ = server.Serve(l) }()
	c := &client{n: n}
	n.c.t.Cleanup(func() { close(l.conns) })
	dial := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		l.conns <- far
		return near, nil
	}
	var err error
	c.ws, _, err = websocket.Dial(n.c.t.Context(), "ws://meet.test/xmpp-websocket", &websocket.DialOptions{ //nolint:bodyclose // the socket is the body
		Subprotocols: []string{"xmpp"}, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial}},
	})
	if err != nil {
		n.c.t.Fatal(err)
	}
	n.c.t.Cleanup(func() { _ = c.ws.CloseNow() })
	const open = `<open to="meet.test" version="1.0" xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`
	for _, step := range []struct {
		say   string
		hears int
	}{
		{open, 2},
		{`<auth mechanism="ANONYMOUS" xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`, 1},
		{open, 2},
		{`<iq id="b" type="set" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`, 1},
		{`<enable resume="true" xmlns="urn:xmpp:sm:3"/>`, 1},
	} {
		c.say(step.say)
		for range step.hears {
			if _, rest, ok := strings.Cut(c.hear(), `<jid xmlns="urn:ietf:params:xml:ns:xmpp-bind">`); ok {
				c.jid, _, _ = strings.Cut(rest, "<")
			}
		}
	}
	return c
}

func (c *client) say(messages ...string) {
	c.n.c.t.Helper()
	for _, m := range messages {
		if err := c.ws.Write(c.n.c.t.Context(), websocket.MessageText, []byte(m)); err != nil {
			c.n.c.t.Fatal(err)
		}
	}
}

func (c *client) hear() string {
	c.n.c.t.Helper()
	ctx, cancel := context.WithTimeout(c.n.c.t.Context(), 10*time.Second)
	defer cancel()
	_, b, err := c.ws.Read(ctx)
	if err != nil {
		c.n.c.t.Fatal(err)
	}
	return string(b)
}
