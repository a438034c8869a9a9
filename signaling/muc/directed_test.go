package muc

import (
	"testing"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// directed lets bob, who is at another node, say something to somebody.
func (f *fixture) directed(to, name, kind, id, inner string) {
	f.t.Helper()
	f.clear()
	f.take(f.room.Directed(f.now, Directed{From: "bbbbbbbb", To: room.EndpointID(to), Name: name, Type: kind, ID: id, Inner: []byte(inner)}))
}

func (f *fixture) wantAway(name, kind, id, inner string) {
	f.t.Helper()
	a := first[Away](f.other)
	if a.From.JID != alice || a.To.JID != bob || a.Name != name || a.Type != kind || a.ID != id || string(a.Inner) != inner || len(f.other) != 1 {
		f.t.Errorf("effects %+v", f.other)
	}
}

func newPair(t *testing.T, change ...func(*Config)) *fixture {
	f := newFixture(t, change...)
	f.join(alice)
	f.appear(bob, "")
	return f
}

func TestPrivateMessageAway(t *testing.T) {
	f := newPair(t)
	f.send(alice, `<message to="%s/bbbbbbbb" type="chat" id="7"><body>b</body><subject>no</subject></message>`, roomJID)
	f.wantAway("message", "chat", "7", "<body>b</body>")
	f.want(bob)
	f.directed("aaaaaaaa", "message", "chat", "8", "<body>b</body><subject>no</subject>")
	f.want(alice, "message bbbbbbbb chat #8 body=b")
}

func TestRequestAway(t *testing.T) {
	f := newPair(t)
	f.send(alice, request, "bbbbbbbb", "j1")
	f.wantAway("iq", "set", "j1", `<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" sid="1"/>`)
	f.directed("aaaaaaaa", "iq", "result", "j2", "") // not what was asked
	f.want(alice)
	f.directed("aaaaaaaa", "iq", "result", "j1", `<ok xmlns="urn:x"/>`)
	f.want(alice, "iq bbbbbbbb result #j1 ok")
	f.directed("aaaaaaaa", "iq", "result", "j1", "") // a second time
	f.want(alice)
}

func TestRequestFromAway(t *testing.T) {
	f := newPair(t)
	f.send(alice, `<iq to="%s/bbbbbbbb" type="result" id="j1"/>`, roomJID) // nobody asked
	if len(f.other) != 0 {
		t.Errorf("effects %+v", f.other)
	}
	f.directed("aaaaaaaa", "iq", "set", "j1", `<jingle xmlns="urn:xmpp:jingle:1"/>`)
	f.want(alice, "iq bbbbbbbb set #j1 jingle")
	f.send(alice, `<iq to="%s/bbbbbbbb" type="result" id="j1"/>`, roomJID)
	f.wantAway("iq", "result", "j1", "")
	f.send(alice, `<iq to="%s/bbbbbbbb" type="result" id="j1"/>`, roomJID)
	if len(f.other) != 0 {
		t.Errorf("effects %+v", f.other)
	}
}

func TestResponderVanishes(t *testing.T) {
	f := newPair(t)
	f.send(alice, request, "bbbbbbbb", "j1")
	f.directed("aaaaaaaa", "iq", "get", "j2", "<a/>")
	f.vanish("bbbbbbbb", room.Gone, "", "")
	f.want(alice, "presence bbbbbbbb unavailable none/none 333", "iq bbbbbbbb error #j1 recipient-unavailable")
	if n := f.room.pending.order.Len(); n != 0 {
		t.Errorf("%d requests left behind", n)
	}
}

func TestRequestsFromAwayAreBounded(t *testing.T) {
	f := newPair(t, func(c *Config) { c.Limits.PendingEach = 1 })
	f.directed("aaaaaaaa", "iq", "get", "1", "<a/>")
	f.directed("aaaaaaaa", "iq", "get", "2", "<a/>")
	f.want(alice)
	f.wantAway("iq", "error", "2", `<error xmlns="jabber:client" type="wait">`+
		`<resource-constraint xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>`+
		`<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">too many requests without an answer</text></error>`)
}

func TestDirectedRefused(t *testing.T) {
	for name, c := range map[string]struct{ to, name, kind, id, inner string }{
		"unknown":              {"cccccccc", "message", "chat", "", "<body>x</body>"},
		"groupchat to one":     {"aaaaaaaa", "message", "groupchat", "", "<body>x</body>"},
		"bounced":              {"aaaaaaaa", "message", "error", "", "<body>x</body>"},
		"not readable":         {"aaaaaaaa", "message", "chat", "", "<body>"},
		"no message":           {"aaaaaaaa", "presence", "", "", "<body>x</body>"},
		"no id":                {"aaaaaaaa", "iq", "get", "", "<a/>"},
		"no type":              {"aaaaaaaa", "iq", "", "1", "<a/>"},
		"request not readable": {"aaaaaaaa", "iq", "get", "1", "<a>"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newPair(t)
			f.directed(c.to, c.name, c.kind, c.id, c.inner)
			f.want(alice)
			if len(f.other) != 0 || f.room.pending.order.Len() != 0 {
				t.Errorf("effects %+v, %d waiting", f.other, f.room.pending.order.Len())
			}
		})
	}
}
