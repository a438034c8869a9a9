package hostile

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

var limits = stanza.Limits{Bytes: 4 << 20, Depth: 128, Attributes: 1000, Elements: 1 << 16, Namespaces: 1 << 16}

// client is an XMPP stream on which anything can be said. It answers by itself what the node asks for to keep it.
type client struct {
	t   *testing.T
	ws  *websocket.Conn
	jid string
	id  string // endpoint id, and nick

	token string // that the stream is resumed with

	mu     sync.Mutex
	mute   bool              // does not answer the focus
	silent bool              // acknowledges nothing
	got    []*stanza.Element // not taken yet
	raw    []string
	taken  uint32 // stanzas since management was enabled
	deaf   bool
	ended  error
	change chan struct{}
}

// connect opens a stream that has said nothing yet.
func (n *served) connect() *client {
	n.t.Helper()
	return n.by(nil)
}

// by is connect over a connection that is there, if it is.
func (n *served) by(conn net.Conn) *client {
	n.t.Helper()
	return n.dial("", conn)
}

// dial is by with a query in the URL.
func (n *served) dial(query string, conn net.Conn) *client {
	n.t.Helper()
	transport := &http.Transport{}
	if conn != nil {
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	}
	ws, _, err := websocket.Dial(n.t.Context(), "ws://"+n.http+"/xmpp-websocket"+query, &websocket.DialOptions{
		Subprotocols: []string{"xmpp"}, HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		n.t.Fatal(err)
	}
	ws.SetReadLimit(4 << 20)
	c := &client{t: n.t, ws: ws, change: make(chan struct{})}
	go c.read(n.t.Context())
	n.t.Cleanup(func() { _ = ws.CloseNow() })
	return c
}

const open = `<open to="localhost" version="1.0" xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`

// client opens a stream, binds a resource and enables stream management.
func (n *served) client() *client {
	n.t.Helper()
	c := n.connect()
	c.login()
	return c
}

func (c *client) login() {
	c.t.Helper()
	c.authenticate()
	c.send(`<iq id="bind" type="set" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	c.jid = c.await("bind", answer("bind", "result")).Child("*", "bind").Child("*", "jid").Text
	c.id = c.jid[:8]
	c.send(`<enable resume="true" xmlns="urn:xmpp:sm:3"/>`)
	c.token = c.await("enabled", named("enabled")).Attr("id")
}

// authenticate opens a stream up to where a resource is bound or a session resumed.
func (c *client) authenticate() {
	c.t.Helper()
	c.send(open)
	c.await("features", named("features"))
	c.send(`<auth mechanism="ANONYMOUS" xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	c.await("success", named("success"))
	c.send(open)
	c.await("features", named("features"))
}

// in returns a client that is in the room.
func (n *served) in(room string) *client {
	n.t.Helper()
	c := n.client()
	c.join(room)
	return c
}

func at(room, nick string) string {
	if nick == "" {
		return room + "@conference.localhost"
	}
	return room + "@conference.localhost/" + nick
}

func (c *client) join(room string) {
	c.t.Helper()
	c.send(`<presence to="` + at(room, c.id) + `" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
	c.await("own presence", func(e *stanza.Element) bool {
		return e.Local == "presence" && e.Attr("from") == at(room, c.id)
	})
}

func (c *client) say(room, body string) {
	c.send(`<message to="` + at(room, "") + `" type="groupchat" xmlns="jabber:client"><body>` + body + `</body></message>`)
}

func (c *client) hears(body string) {
	c.t.Helper()
	c.await("chat "+body, func(e *stanza.Element) bool {
		b := e.Child("jabber:client", "body")
		return e.Local == "message" && b != nil && b.Text == body
	})
}

func (c *client) send(xml string) { c.frame(websocket.MessageText, xml) }

// hush stops the answers to the focus.
func (c *client) hush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = true
}

// withhold stops the acknowledgements: whoever resumes after it goes on from the same count.
func (c *client) withhold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = true
}

// pause stops reading until the test ends: what comes stays in the socket.
func (c *client) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf = true
}

// frame sends a message. Whether it arrives is seen by what comes back.
func (c *client) frame(kind websocket.MessageType, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = c.ws.Write(ctx, kind, []byte(text))
}

func (c *client) read(ctx context.Context) {
	counting := false
	for {
		_, raw, err := c.ws.Read(ctx)
		var e *stanza.Element
		if err == nil {
			e, err = stanza.Parse(raw, limits)
		}
		c.mu.Lock()
		if err != nil {
			c.ended = err
		} else {
			c.got, c.raw = append(c.got, e), append(c.raw, string(raw))
			if counting && e.Space == stanza.Client {
				c.taken++
			}
			counting = counting || e.Local == "enabled" || e.Local == "resumed"
		}
		taken, deaf, mute, silent := c.taken, c.deaf, c.mute, c.silent
		close(c.change)
		c.change = make(chan struct{})
		c.mu.Unlock()
		if err != nil || deaf {
			return
		}
		if e.Is("urn:xmpp:sm:3", "r") {
			if !silent {
				c.send(fmt.Sprintf(`<a h="%d" xmlns="urn:xmpp:sm:3"/>`, taken))
			}
			continue
		}
		c.react(e, mute)
	}
}

func (c *client) react(e *stanza.Element, mute bool) {
	switch {
	case mute || e.Local != "iq" || !strings.HasSuffix(e.Attr("from"), "/focus"):
	case e.Attr("type") == "get":
		c.send(disco(e, ""))
	case e.Attr("type") == "set":
		c.send(`<iq id="` + e.Attr("id") + `" to="` + e.Attr("from") + `" type="result" xmlns="jabber:client"/>`)
	}
}

// disco answers a query of the focus, in the name of "to" when that is not empty.
func disco(query *stanza.Element, to string) string {
	if to == "" {
		to = query.Attr("from")
	}
	features := ""
	for _, f := range []string{"http://jitsi.org/ssrc-rewriting-1", "urn:xmpp:jingle:apps:rtp:audio", "urn:xmpp:jingle:apps:rtp:video"} {
		features += `<feature var="` + f + `"/>`
	}
	return `<iq id="` + query.Attr("id") + `" to="` + to + `" type="result" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info">` + features + `</query></iq>`
}

// await takes the first message that ok accepts.
func (c *client) await(what string, ok func(*stanza.Element) bool) *stanza.Element {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		for i, e := range c.got {
			if ok(e) {
				c.got = append(c.got[:i:i], c.got[i+1:]...)
				c.mu.Unlock()
				return e
			}
		}
		change, ended, last := c.change, c.ended, c.raw[max(0, len(c.raw)-3):]
		c.mu.Unlock()
		if ended != nil {
			c.t.Fatalf("waiting for %s: the stream ended: %v; last came %q", what, ended, last)
		}
		select {
		case <-change:
		case <-deadline:
			c.t.Fatalf("waiting for %s: nothing came but %q", what, last)
		}
	}
}

// count returns how many messages came that ok accepts and nobody took.
func (c *client) count(ok func(*stanza.Element) bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, e := range c.got {
		if ok(e) {
			n++
		}
	}
	return n
}

// heard returns everything that came, as it came.
func (c *client) heard() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.raw, "\n")
}

// over waits until the socket is closed.
func (c *client) over() {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		change, ended := c.change, c.ended
		c.mu.Unlock()
		if ended != nil {
			return
		}
		select {
		case <-change:
		case <-deadline:
			c.t.Fatal("the stream does not end")
		}
	}
}

// settled waits until everything that the client said so far has been answered.
func (c *client) settled(room string) {
	c.t.Helper()
	id := fmt.Sprintf("ping%d", time.Now().UnixNano())
	c.send(`<iq id="` + id + `" to="` + at(room, "") + `" type="get" xmlns="jabber:client"><ping xmlns="urn:xmpp:ping"/></iq>`)
	c.await("pong", answer(id, "result"))
}

func named(local string) func(*stanza.Element) bool {
	return func(e *stanza.Element) bool { return e.Local == local }
}

func answer(id, kind string) func(*stanza.Element) bool {
	return func(e *stanza.Element) bool {
		return e.Attr("id") == id && e.Attr("type") == kind
	}
}

// condition returns the condition of an error stanza or stream error.
func condition(e *stanza.Element) string {
	if e.Space == stanza.Client {
		if e = e.Child("*", "error"); e == nil {
			return ""
		}
	}
	for _, c := range e.Children {
		if c.Local != "text" {
			return c.Local
		}
	}
	return ""
}
