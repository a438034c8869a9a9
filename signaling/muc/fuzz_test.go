package muc

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
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

// FuzzElsewhere has another node say anything: of its occupants, of the header, for one of them.
func FuzzElsewhere(f *testing.F) {
	for _, s := range []string{
		"<a/>", "<body>x</body>", `<x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x>`, "</presence>",
		"bbbbbbbb 7 subject", "7 bbbbbbbb reason", "outcast", "1", "18446744073709551615 aaaaaaaa x",
	} {
		f.Add("bbbbbbbb", bob, s)
		f.Add("aaaaaaaa", mallo, s)
	}
	f.Fuzz(func(t *testing.T, nick, jid, text string) {
		fix := newFixture(t)
		fix.join(alice)
		fix.appear(bob, "")
		apply := func(effects []Effect) {
			for _, e := range effects {
				if d, ok := e.(Deliver); ok {
					out, err := stanza.Parse(d.Stanza, stanza.Limits{Bytes: 1 << 20, Namespaces: 1 << 14, Elements: 1 << 14, Depth: 80, Attributes: 300})
					if err != nil || out.Attr("to") != d.To {
						t.Fatalf("to %q: %s: %v", d.To, d.Stanza, err)
					}
					if d.To != alice {
						t.Fatalf("delivered to %q", d.To)
					}
				}
			}
			if r := fix.room.roster; len(r.nicks) != len(r.order) || len(r.jids) != len(r.order) || len(r.here) > 1 {
				t.Fatal("the indices of the roster disagree")
			}
		}
		r, id := fix.room, room.EndpointID(nick)
		apply(r.Appear(fix.now, Remote{Nick: nick, JID: jid, Joined: 1, Presence: []byte(text)}))
		apply(r.Change(fix.now, Remote{Nick: "bbbbbbbb", JID: jid, Joined: 2, Presence: []byte(text)}))
		apply(r.Hear(fix.now, room.Utterance{From: id, ID: nick, Lang: jid, Inner: []byte(text)}))
		for _, name := range []string{"message", "iq"} {
			for _, kind := range []string{"", "chat", "get", "result"} {
				apply(r.Directed(fix.now, Directed{From: "bbbbbbbb", To: "aaaaaaaa", Name: name, Type: kind, ID: nick, Lang: jid, Inner: []byte(text)}))
			}
		}
		for _, key := range []string{room.FieldSubject, room.FieldPassword, room.FieldModerator + nick, room.FieldKick + nick, room.FieldAffiliation + jid, text} {
			values := map[string]string{key: text}
			apply(r.SetHeader(fix.now, values))
			if again := r.SetHeader(fix.now, values); len(again) > 0 {
				t.Fatalf("%v again: %v", values, again)
			}
		}
		apply(r.Tick(fix.now.Add(time.Minute)))
		apply(r.Vanish(fix.now, room.Removal{Endpoint: id, Cause: room.Cause(len(text)), Actor: id, Reason: text}))
	})
}
