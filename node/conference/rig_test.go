package conference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/domain"
	"github.com/atoll-mesh/atoll/signaling/focus"
	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

const (
	testRoom  = "test@conference.example.org"
	testFocus = testRoom + "/focus"
)

var testLimits = stanza.Limits{Bytes: 1 << 20}

// rig is a node's rooms with clients and legs that are made of values.
type rig struct {
	t      *testing.T
	rooms  *Rooms
	router *Router

	mu   sync.Mutex
	legs []*fakeLeg
	fail error // of the next Open
}

// inBubble runs a test in virtual time and ends what it started.
func inBubble(t *testing.T, test func(t *testing.T, r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "node", nil)
		test(t, r)
		if err := r.rooms.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func newRig(t *testing.T, node string, way Mesh) *rig {
	r := &rig{t: t}
	r.rooms = NewRooms(Config{Domain: "example.org", Node: node, Media: r, Mesh: way, Log: slog.New(slog.DiscardHandler)})
	r.router = NewRouter(r.rooms, domain.New(domain.Config{}), focus.Desk{Domain: "example.org"})
	return r
}

// Open implements Media.
func (r *rig) Open(to LegReceiver) (Leg, focus.Transport, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return nil, focus.Transport{}, r.fail
	}
	l := &fakeLeg{to: to, heard: make(map[string]int)}
	r.legs = append(r.legs, l)
	return l, focus.Transport{Ufrag: "ufrag", Pwd: "pwd", Fingerprint: "sha-256 AB"}, nil
}

// leg returns the last leg of a client.
func (r *rig) leg(c *client) *fakeLeg {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range slices.Backward(r.legs) {
		if l.to.(*receiver).p.jid == c.jid {
			return l
		}
	}
	r.t.Fatalf("%s has no leg", c.jid)
	return nil
}

// openLegs returns how many legs are open.
func (r *rig) openLegs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, l := range r.legs {
		if !l.isClosed() {
			n++
		}
	}
	return n
}

type fakeLeg struct {
	to     LegReceiver
	mu     sync.Mutex
	closed bool
	heard  map[string]int // packets by what stands at the end of them
}

func (l *fakeLeg) Buffer() []byte                         { return make([]byte, 0, 1500) }
func (l *fakeLeg) Warm()                                  {}
func (l *fakeLeg) SendRTCP([]byte) error                  { return nil }
func (l *fakeLeg) SetRemote(string, string, string) error { return nil }
func (l *fakeLeg) Hold()                                  {}
func (l *fakeLeg) Connected() bool                        { return true }
func (l *fakeLeg) Export() (session.Media, error)         { return session.Media{Profile: 7}, nil }

func (l *fakeLeg) Snapshot() (session.Media, error) { return session.Media{Profile: 8}, nil }

func (l *fakeLeg) SendRTP(packets ...[]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, packet := range packets {
		if len(packet) > 10 {
			l.heard[string(packet[len(packet)-10:])]++
		}
	}
	return nil
}

func (l *fakeLeg) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

func (l *fakeLeg) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// client is a fake stream whose other end behaves: it answers what the focus asks.
type client struct {
	rig  *rig
	id   room.EndpointID
	jid  string
	deaf bool // does not accept sessions
	// stays: its stream does not notice that it was cut.
	stays bool
	seq   uint16 // of the last packet that it sent

	mu    sync.Mutex
	got   []*stanza.Element
	sids  []string
	ended string // how the stream was closed
}

var clients = 0

func (r *rig) client() *client {
	clients++
	id := fmt.Sprintf("%08x", clients)
	return &client{rig: r, id: room.EndpointID(id), jid: id + "-0000-4000-8000-000000000000@example.org/r"}
}

func (c *client) JID() string               { return c.jid }
func (c *client) Endpoint() room.EndpointID { return c.id }
func (c *client) SocketURL() string         { return "wss://example.org" }
func (c *client) Export() session.Stream    { return session.Stream{JID: c.jid, ResumeToken: "token"} }

func (c *client) Snapshot() (session.Stream, bool) {
	return session.Stream{JID: c.jid, ResumeToken: "token"}, !c.stays
}

func (c *client) Suspend() {
	if !c.stays {
		go c.rig.router.Suspended(c)
	}
}

func (c *client) Close(condition string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = "closed " + condition
}

func (c *client) Send(raw []byte) {
	if err := stanzatest.CheckNamespaces(raw); err != nil {
		c.rig.t.Error(err)
	}
	st, err := stanza.Parse(raw, testLimits)
	if err != nil {
		c.rig.t.Errorf("parse %s: %v", raw, err)
		return
	}
	c.mu.Lock()
	c.got = append(c.got, st)
	c.mu.Unlock()
	c.react(st)
}

// react does what a stock client does by itself.
func (c *client) react(st *stanza.Element) {
	if st.Local != "iq" || st.Attr("from") != testFocus {
		return
	}
	if q := st.Child("http://jabber.org/protocol/disco#info", "query"); q != nil && st.Attr("type") == "get" {
		c.say(`<iq type="result" id="` + st.Attr("id") + `" to="` + testFocus + `" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info">` +
			`<feature var="http://jitsi.org/ssrc-rewriting-1"/><feature var="urn:xmpp:jingle:apps:rtp:audio"/><feature var="urn:xmpp:jingle:apps:rtp:video"/></query></iq>`)
		return
	}
	j := st.Child("urn:xmpp:jingle:1", "jingle")
	if j == nil {
		return
	}
	c.say(`<iq type="result" id="` + st.Attr("id") + `" to="` + testFocus + `" xmlns="jabber:client"/>`)
	if j.Attr("action") == "session-initiate" && !c.deaf {
		c.mu.Lock()
		c.sids = append(c.sids, j.Attr("sid"))
		c.mu.Unlock()
		c.accept(j.Attr("sid"))
	}
}

func (c *client) accept(sid string) {
	transport := `<transport ufrag="abcd" pwd="0123456789abcdef01234567" xmlns="urn:xmpp:jingle:transports:ice-udp:1"><fingerprint hash="sha-256" setup="active" xmlns="urn:xmpp:jingle:apps:dtls:0">` +
		strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + `</fingerprint></transport>`
	source := func(name string, ssrc int) string {
		return fmt.Sprintf(`<source name="%s" ssrc="%d" xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"><parameter name="msid" value="s t"/></source>`, name, ssrc)
	}
	c.say(`<iq type="set" id="accept" to="` + testFocus + `" xmlns="jabber:client"><jingle action="session-accept" sid="` + sid + `" xmlns="urn:xmpp:jingle:1">` +
		`<content creator="responder" name="audio"><description media="audio" xmlns="urn:xmpp:jingle:apps:rtp:1">` + source(string(c.id)+"-a0", 1) + `</description>` + transport + `</content>` +
		`<content creator="responder" name="video"><description media="video" xmlns="urn:xmpp:jingle:apps:rtp:1">` + source(string(c.id)+"-v0", 2) + `</description>` + transport + `</content></jingle></iq>`)
}

// say sends a stanza as the stream would hand it over.
func (c *client) say(xml string) {
	st, err := stanza.Parse([]byte(xml), testLimits)
	if err != nil {
		c.rig.t.Errorf("parse %s: %v", xml, err)
		return
	}
	st.Set("from", c.jid)
	c.rig.router.Stanza(c, st)
}

func (c *client) join() {
	c.say(`<presence to="` + testRoom + `/` + string(c.id) + `" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/>` +
		`<c hash="sha-1" node="n" ver="v` + string(c.id) + `" xmlns="http://jabber.org/protocol/caps"/></presence>`)
	synctest.Wait()
}

// count returns how many stanzas came that ok accepts.
func (c *client) count(ok func(*stanza.Element) bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, st := range c.got {
		if ok(st) {
			n++
		}
	}
	return n
}

// jingles returns how many Jingle requests with the action came.
func (c *client) jingles(action string) int {
	return c.count(func(st *stanza.Element) bool {
		j := st.Child("urn:xmpp:jingle:1", "jingle")
		return j != nil && j.Attr("action") == action
	})
}

// unavailable returns how often the room said that the occupant left.
func (c *client) unavailable(of *client) int {
	return c.count(func(st *stanza.Element) bool {
		return st.Local == "presence" && st.Attr("type") == "unavailable" && st.Attr("from") == testRoom+"/"+string(of.id)
	})
}

func wait(d time.Duration) {
	time.Sleep(d) // virtual time
	synctest.Wait()
}

var errNoPorts = errors.New("no ports")
