package muc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

var crowdOfSix = []string{
	alice, bob, carol, mallo,
	"eeeeeeee-1111-4222-8333-444444444444@meet.test/res5",
	"ffffffff-1111-4222-8333-444444444444@meet.test/res6",
}

// shadow is the same room on one node.
type shadow struct {
	failer
	room    *Room
	clients map[string]*client
}

func newShadow(t failer, limits Limits) *shadow {
	return &shadow{failer: t, room: New(Config{JID: roomJID, Focus: focusJID, Limits: limits}), clients: map[string]*client{}}
}

func (s *shadow) observe(effects []Effect) {
	for _, e := range effects {
		if d, ok := e.(Deliver); ok {
			st, err := stanza.Parse(d.Stanza, stanza.Limits{})
			if err != nil {
				s.Fatalf("%s: %v", d.Stanza, err)
			}
			s.clients[d.To].take(s, st)
		}
	}
}

func (s *shadow) send(now time.Time, jid, format string, args ...any) {
	if s.room.roster.jids[jid] == nil {
		return
	}
	st, _ := stanza.Parse(fmt.Appendf(nil, format, args...), stanza.Limits{})
	st.Set("from", jid)
	s.observe(s.room.Handle(now, jid, st))
}

func (s *shadow) join(now time.Time, jid, password string) {
	c := s.clients[jid]
	if c == nil {
		c = &client{jid: jid, node: -1}
		s.clients[jid] = c
	}
	if s.room.roster.jids[jid] == nil {
		c.view, c.heard = map[string]string{}, map[string]int{}
	}
	st, _ := stanza.Parse(fmt.Appendf(nil, `<presence to="%s/%s"><x xmlns="http://jabber.org/protocol/muc"><password>%s</password></x></presence>`,
		roomJID, nickOf(jid), password), stanza.Limits{})
	st.Set("from", jid)
	s.observe(s.room.Handle(now, jid, st))
	if s.room.roster.jids[jid] == nil {
		c.view = nil
	}
}

// TestMeshMachine plays random people at three nodes. In one kind of run everything is carried before the next thing
// happens, and everybody must see what it would see if the room stood on one node; in the other whatever is said is
// carried at any time, and everybody must see the same in the end. What single people are told is held against the
// protocol all the time, see [client.take].
func TestMeshMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		eager := rapid.Bool().Draw(t, "eager")
		limits := Limits{Occupants: 5}
		if !eager {
			limits.Occupants = 100
		}
		m := newMesh(t, 3, limits)
		s := newShadow(t, limits)
		said := 0
		anyone := func() string { return rapid.SampledFrom(crowdOfSix).Draw(t, "who") }
		// moderator is somebody who may do what is tried, most of the time.
		moderator := func() string {
			for _, n := range m.nodes {
				for _, o := range n.room.Occupants() {
					if o.Local && o.Affiliation == affOwner && rapid.IntRange(0, 3).Draw(t, "pick") > 0 {
						return o.JID
					}
				}
			}
			return anyone()
		}
		send := func(jid, format string, args ...any) {
			m.send(jid, format, args...)
			if eager {
				s.send(m.now, jid, format, args...)
			}
		}
		admin := func(jid, item string) {
			send(jid, `<iq to="%s" type="set" id="adm"><query xmlns="http://jabber.org/protocol/muc#admin">%s</query></iq>`, roomJID, item)
		}
		owner := func(jid, form string) {
			send(jid, `<iq to="%s" type="set" id="own"><query xmlns="http://jabber.org/protocol/muc#owner">%s</query></iq>`, roomJID, form)
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				m.now = m.now.Add(time.Millisecond)
				if !eager {
					return
				}
				m.quiet()
				m.agreed()
				s.observe(s.room.Tick(m.now))
				for _, jid := range crowdOfSix {
					a, b := m.clients[jid], s.clients[jid]
					if a == nil {
						continue
					}
					if diff := cmp.Diff(b.view, a.view); diff != "" {
						t.Fatalf("%s sees on three nodes something else than on one (-one +three):\n%s", jid, diff)
					}
					if diff := cmp.Diff(b.heard, a.heard); b.view != nil && diff != "" {
						t.Fatalf("%s hears on three nodes something else than on one (-one +three):\n%s", jid, diff)
					}
					if b.view != nil && a.subject != b.subject || a.locks != b.locks {
						t.Fatalf("%s has subject %q after %d settings, on one node %q after %d", jid, a.subject, a.locks, b.subject, b.locks)
					}
				}
			},
			"join": func(t *rapid.T) {
				jid, node := anyone(), rapid.IntRange(0, 2).Draw(t, "node")
				password := rapid.SampledFrom([]string{"", "one"}).Draw(t, "password")
				m.join(jid, node, password)
				if eager {
					s.join(m.now, jid, password)
				}
			},
			"update": func(t *rapid.T) {
				jid := anyone()
				send(jid, `<presence to="%s/%s"><a>%d</a></presence>`, roomJID, nickOf(jid), rapid.IntRange(0, 2).Draw(t, "a"))
			},
			"leave": func(*rapid.T) {
				jid := anyone()
				send(jid, `<presence to="%s/%s" type="unavailable"/>`, roomJID, nickOf(jid))
			},
			"lose": func(t *rapid.T) {
				jid, cause := anyone(), rapid.SampledFrom([]Cause{Gone, Kicked}).Draw(t, "cause")
				if c := m.clients[jid]; c != nil && c.node >= 0 {
					n := m.nodes[c.node]
					n.apply(n.room.Remove(m.now, jid, cause))
					if eager {
						s.observe(s.room.Remove(m.now, jid, cause))
					}
				}
			},
			"groupchat": func(*rapid.T) {
				said++
				send(anyone(), `<message to="%s" type="groupchat"><body>%d</body></message>`, roomJID, said)
			},
			"subject": func(t *rapid.T) {
				send(moderator(), `<message to="%s" type="groupchat"><subject>%s</subject></message>`, roomJID, rapid.SampledFrom([]string{"", "x y", "z"}).Draw(t, "subject"))
			},
			"ask": func(*rapid.T) {
				said++
				send(anyone(), `<iq to="%s/%s" type="set" id="i%d"><jingle xmlns="urn:xmpp:jingle:1"/></iq>`, roomJID, nickOf(anyone()), said)
			},
			"kick": func(*rapid.T) {
				admin(moderator(), `<item nick="`+nickOf(anyone())+`" role="none"><reason>so it is</reason></item>`)
			},
			"role": func(t *rapid.T) {
				role := rapid.SampledFrom([]string{"moderator", "participant"}).Draw(t, "role")
				admin(moderator(), `<item nick="`+nickOf(anyone())+`" role="`+role+`"/>`)
			},
			"affiliation": func(t *rapid.T) {
				a := rapid.SampledFrom([]string{"owner", "member", "none", "outcast"}).Draw(t, "affiliation")
				admin(moderator(), `<item jid="`+bareJID(anyone())+`" affiliation="`+a+`"/>`)
			},
			"password": func(t *rapid.T) {
				owner(moderator(), `<x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_roomsecret"><value>`+
					rapid.SampledFrom([]string{"", "one"}).Draw(t, "password")+`</value></field></x>`)
			},
			"lock": func(t *rapid.T) {
				owner(moderator(), fmt.Sprintf(`<x xmlns="jabber:x:data" type="submit"><field var="%s"><value>%d</value></field></x>`,
					rapid.SampledFrom([]string{fieldMembersOnly, fieldSubject}).Draw(t, "field"), rapid.IntRange(0, 1).Draw(t, "value")))
			},
			"destroy": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "dice") == 0 {
					owner(moderator(), `<destroy/>`)
				}
			},
			"move": func(t *rapid.T) {
				if jid, node := anyone(), rapid.IntRange(0, 2).Draw(t, "node"); m.clients[jid] != nil {
					m.quiet() // who moves takes nothing along of what it saw
					m.move(jid, node)
				}
			},
			"carry": func(t *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(t, "letters") {
					m.step(rapid.IntRange(0, 5).Draw(t, "link"))
				}
			},
			"wait": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "s")) * time.Second)
				for _, n := range m.nodes {
					n.apply(n.room.Tick(m.now))
				}
			},
		})
		m.quiet()
		if state := m.agreed(); state != "" && !strings.Contains(state, "owner/moderator") {
			t.Fatalf("nobody moderates: %s", state)
		}
	})
}
