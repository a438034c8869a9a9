package muc

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// FuzzHandle lets an occupant, then a stranger, send anything that parses. Whatever comes out must parse, name its
// receiver, and leave the room's tables in order; every request is answered or handed on.
func FuzzHandle(f *testing.F) {
	for _, s := range []string{
		`<presence to="demo@conference.meet.test/aaaaaaaa"><x xmlns="http://jabber.org/protocol/muc"><password>x</password></x></presence>`,
		`<presence to="demo@conference.meet.test/bbbbbbbb" type="unavailable"/>`,
		`<message to="demo@conference.meet.test" type="groupchat"><subject>a</subject></message>`,
		`<message to="demo@conference.meet.test/aaaaaaaa" type="chat"><body xmlns="">a</body><p:x xmlns:p="urn:p" p:y="z"/></message>`,
		`<iq to="demo@conference.meet.test/aaaaaaaa" type="set" id="1"><jingle xmlns="urn:xmpp:jingle:1"/></iq>`,
		`<iq to="demo@conference.meet.test" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#admin"><item nick="aaaaaaaa" role="none"/></query></iq>`,
		`<iq to="demo@conference.meet.test" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_roomsecret"><value>1</value></field></x></query></iq>`,
		`<iq to="demo@conference.meet.test" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"><destroy/></query></iq>`,
		`<iq to="demo@conference.meet.test" type="get" id="1"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fix := newFixture(t)
		fix.join(alice, bob)
		for _, from := range []string{bob, mallo, alice} {
			st, err := stanza.Parse(append([]byte(nil), b...), stanza.Limits{Bytes: 1 << 16})
			if err != nil {
				return
			}
			st.Set("from", from)
			effects := fix.room.Handle(fix.now, from, st)
			for _, e := range effects {
				d, ok := e.(Deliver)
				if !ok {
					continue
				}
				out, err := stanza.Parse(d.Stanza, stanza.Limits{Bytes: 1 << 20, Namespaces: 1 << 13, Elements: 1 << 13, Depth: 70, Attributes: 200})
				if err != nil {
					t.Fatalf("%s: %v", d.Stanza, err)
				}
				if out.Attr("to") != d.To {
					t.Fatalf("to %q: %s", d.To, d.Stanza)
				}
			}
			if kind := st.Attr("type"); st.Local == "iq" && (kind == "get" || kind == "set") && len(effects) == 0 {
				t.Fatalf("no answer to %s", b)
			}
			if r := fix.room.roster; len(r.nicks) != len(r.order) || len(r.jids) != len(r.order) {
				t.Fatal("the indices of the roster disagree")
			}
			fix.now = fix.now.Add(time.Second)
		}
	})
}
