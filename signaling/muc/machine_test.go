package muc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// machine plays random people and holds what each of them sees against the protocol: every nick alternates between
// available (any number) and unavailable (once), nobody is heard who is not seen, the own presence ends the burst, and what
// everybody sees is who is there.
type machine struct {
	room     *Room
	now      time.Time
	people   []string
	present  []string // model: JIDs in the order of joining
	sees     map[string]map[string]bool
	password string
	ids      int
	open     map[string]string // id of a relayed request to who asked whom: "asker responder"
}

func newMachine(quiet bool) *machine {
	m := &machine{
		room: New(Config{JID: roomJID, Focus: focusJID, QuietCreation: quiet, Limits: Limits{Occupants: 4}}),
		now:  time.Unix(1_700_000_000, 0),
		// Two have the same endpoint id, so that nicks collide.
		people: []string{alice, bob, carol, mallo, "aaaaaaaa-2222-4222-8333-444444444444@meet.test/r", "plain@meet.test/r"},
		sees:   map[string]map[string]bool{},
		open:   map[string]string{},
	}
	return m
}

func (m *machine) nick(jid string) string {
	if strings.HasPrefix(jid, "plain@") {
		return "eeeeeeee"
	}
	return jid[:8]
}

func (m *machine) jid(nick string) string {
	for _, jid := range m.present {
		if m.nick(jid) == nick {
			return jid
		}
	}
	return ""
}

func (m *machine) send(t *rapid.T, from, format string, args ...any) []Effect {
	st, err := stanza.Parse(fmt.Appendf(nil, format, args...), stanza.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	st.Set("from", from)
	return m.observe(t, m.room.Handle(m.now, from, st))
}

// observe shows the effects to those they are for.
func (m *machine) observe(t *rapid.T, effects []Effect) []Effect {
	for _, e := range effects {
		switch e := e.(type) {
		case Deliver:
			m.deliver(t, e)
		case Left:
			if e.Cause == Moved {
				continue
			}
			if !slices.Contains(m.present, e.Occupant.JID) {
				t.Fatalf("%s left and was not there", e.Occupant.Nick)
			}
			m.gone(e.Occupant.JID)
		case Joined:
			if !slices.Contains(m.present, e.Occupant.JID) {
				t.Fatalf("%s joined and the model does not know", e.Occupant.Nick)
			}
		case Empty:
			if len(m.present) != 0 {
				t.Fatal("empty, and somebody is there")
			}
			m.password = ""
		}
	}
	return effects
}

func (m *machine) gone(jid string) {
	m.present = slices.DeleteFunc(m.present, func(p string) bool { return p == jid })
}

func (m *machine) deliver(t *rapid.T, d Deliver) {
	st, err := stanza.Parse(d.Stanza, stanza.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", d.Stanza, err)
	}
	line := sketch(st)
	from, kind := resource(st.Attr("from")), st.Attr("type")
	view := m.sees[d.To]
	self := from == m.nick(d.To)
	switch {
	case kind == "error" || st.Local == "iq" && from == "":
		return
	case view == nil:
		t.Fatalf("%s is not in the room and gets %s", d.To, line)
	case st.Local == "presence" && kind == "":
		if own := strings.Contains(line, " 110"); own != self {
			t.Fatalf("%s gets %s", d.To, line)
		}
		if !self && !view[m.nick(d.To)] && len(view) > 0 && !slices.Contains(m.present, d.To) {
			t.Fatalf("%s gets %s after it left", d.To, line)
		}
		view[from] = true
	case st.Local == "presence" && kind == "unavailable":
		if !view[from] {
			t.Fatalf("%s gets %s of somebody it does not see", d.To, line)
		}
		delete(view, from)
		if self {
			delete(m.sees, d.To)
		}
	case from != "" && !view[from]:
		t.Fatalf("%s hears %s from somebody it does not see", d.To, line)
	}
}

func (m *machine) check(t *rapid.T) {
	var nicks []string
	moderators := 0
	for i, o := range m.room.Occupants() {
		nicks = append(nicks, o.Nick)
		if i >= len(m.present) || m.present[i] != o.JID {
			t.Fatalf("occupants %v, want %v", m.room.Occupants(), m.present)
		}
		if o.Moderator() {
			moderators++
		}
	}
	if len(nicks) != len(m.present) || len(nicks) > 0 && moderators == 0 {
		t.Fatalf("%d occupants of %d, %d moderators", len(nicks), len(m.present), moderators)
	}
	for jid, view := range m.sees {
		if !slices.Contains(m.present, jid) {
			t.Fatalf("%s was never told that it is out", jid)
		}
		if len(view) != len(nicks)+1 || !view[FocusNick] {
			t.Fatalf("%s sees %v, there are %v", jid, view, nicks)
		}
		for _, nick := range nicks {
			if !view[nick] {
				t.Fatalf("%s does not see %s", jid, nick)
			}
		}
	}
	if len(m.sees) != len(m.present) {
		t.Fatalf("%d have a view, %d are there", len(m.sees), len(m.present))
	}
	if len(m.room.pending.routes) != m.room.pending.order.Len() {
		t.Fatal("the table of requests disagrees with itself")
	}
}

func (m *machine) anyone(t *rapid.T) string { return rapid.SampledFrom(m.people).Draw(t, "who") }

func (m *machine) join(t *rapid.T) {
	jid := m.anyone(t)
	password := rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "password")
	here := slices.Contains(m.present, jid)
	allowed := here || m.jid(m.nick(jid)) == "" && len(m.present) < 4 && (m.password == "" || password == m.password)
	if allowed && !here {
		m.present = append(m.present, jid)
		m.sees[jid] = map[string]bool{}
	}
	before := len(m.sees[jid])
	effects := m.send(t, jid, `<presence to="%s/%s"><x xmlns="http://jabber.org/protocol/muc"><password>%s</password></x><stats-id>s</stats-id></presence>`,
		roomJID, m.nick(jid), password)
	var own []string
	for _, e := range effects {
		if d, ok := e.(Deliver); ok && d.To == jid {
			st, _ := stanza.Parse(d.Stanza, stanza.Limits{})
			own = append(own, sketch(st))
		}
	}
	if !allowed {
		if len(own) != 1 || !strings.Contains(own[0], " error ") || len(effects) != 1 {
			t.Fatalf("refused with %v", own)
		}
		return
	}
	if len(own) != len(m.present)+2 || !strings.HasPrefix(own[0], "presence focus") ||
		!strings.Contains(own[len(own)-2], " 110") || !strings.HasSuffix(own[len(own)-1], "groupchat subject") && !strings.Contains(own[len(own)-1], "subject=") {
		t.Fatalf("burst of %d after %d: %v", len(m.present), before, own)
	}
	if created := strings.Contains(own[len(own)-2], " 201"); created != (len(m.present) == 1 && !here && !m.room.cfg.QuietCreation) {
		t.Fatalf("created: %v", own)
	}
}

func (m *machine) iq(t *rapid.T, asker, to, kind, payload string) {
	m.ids++
	id := fmt.Sprintf("i%d", m.ids)
	effects := m.send(t, asker, `<iq to="%s" type="%s" id="%s">%s</iq>`, to, kind, id, payload)
	answers := 0
	for _, e := range effects {
		switch e := e.(type) {
		case FocusIQ:
			answers++
		case Deliver:
			st, _ := stanza.Parse(e.Stanza, stanza.Limits{})
			if st.Local == "iq" && st.Attr("id") == id {
				answers++
				if e.To != asker || st.Attr("type") == kind {
					m.open[id] = asker + " " + e.To
				}
			}
		}
	}
	if answers != 1 {
		t.Fatalf("request %s of %s to %s has %d answers", id, asker, to, answers)
	}
}

func TestMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(rapid.Bool().Draw(t, "quiet"))
		owner := func() string {
			for _, o := range m.room.Occupants() {
				if o.Affiliation == affOwner {
					return o.JID
				}
			}
			return m.people[0]
		}
		nick := func(t *rapid.T) string { return m.nick(m.anyone(t)) }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				m.now = m.now.Add(time.Millisecond)
				m.check(t)
			},
			"join": m.join,
			"update": func(t *rapid.T) {
				jid := m.anyone(t)
				m.send(t, jid, `<presence to="%s/%s"><a/></presence>`, roomJID, m.nick(jid))
			},
			"leave": func(t *rapid.T) {
				jid := m.anyone(t)
				m.send(t, jid, `<presence to="%s/%s" type="unavailable"/>`, roomJID, m.nick(jid))
			},
			"vanish": func(t *rapid.T) {
				m.observe(t, m.room.Remove(m.now, m.anyone(t), rapid.SampledFrom([]Cause{Gone, Failed, Kicked}).Draw(t, "cause")))
			},
			"groupchat": func(t *rapid.T) {
				m.send(t, m.anyone(t), `<message to="%s" type="groupchat"><body>x</body></message>`, roomJID)
			},
			"subject": func(t *rapid.T) {
				m.send(t, m.anyone(t), `<message to="%s" type="groupchat"><subject>x</subject></message>`, roomJID)
			},
			"private": func(t *rapid.T) {
				m.send(t, m.anyone(t), `<message to="%s/%s" type="chat"><body>x</body></message>`, roomJID, nick(t))
			},
			"ask": func(t *rapid.T) {
				m.iq(t, m.anyone(t), roomJID+"/"+rapid.SampledFrom([]string{FocusNick, nick(t)}).Draw(t, "whom"), "set", `<jingle xmlns="urn:xmpp:jingle:1"/>`)
			},
			"answer": func(t *rapid.T) {
				for id, route := range m.open {
					asker, responder, _ := strings.Cut(route, " ")
					m.send(t, responder, `<iq to="%s/%s" type="result" id="%s"/>`, roomJID, m.nick(asker), id)
					delete(m.open, id)
					break
				}
			},
			"kick": func(t *rapid.T) {
				actor := rapid.SampledFrom([]string{owner(), m.anyone(t)}).Draw(t, "actor")
				m.iq(t, actor, roomJID, "set", `<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="`+nick(t)+`" role="none"/></query>`)
			},
			"role": func(t *rapid.T) {
				role := rapid.SampledFrom([]string{"moderator", "participant"}).Draw(t, "role")
				m.iq(t, owner(), roomJID, "set", `<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="`+nick(t)+`" role="`+role+`"/></query>`)
			},
			"affiliation": func(t *rapid.T) {
				// Bans are left out: the model would have to know who may come back.
				a := rapid.SampledFrom([]string{"owner", "member", "none"}).Draw(t, "affiliation")
				m.iq(t, owner(), roomJID, "set", `<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="`+nick(t)+`" affiliation="`+a+`"/></query>`)
			},
			"password": func(t *rapid.T) {
				if len(m.present) == 0 {
					return
				}
				m.password = rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "password")
				m.iq(t, owner(), roomJID, "set", `<query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">`+
					`<field var="muc#roomconfig_roomsecret"><value>`+m.password+`</value></field></x></query>`)
			},
			"destroy": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "dice") == 0 {
					m.iq(t, owner(), roomJID, "set", `<query xmlns="http://jabber.org/protocol/muc#owner"><destroy/></query>`)
				}
			},
			"disco": func(t *rapid.T) {
				m.iq(t, m.anyone(t), roomJID, "get", `<query xmlns="http://jabber.org/protocol/disco#info"/>`)
			},
			"properties": func(t *rapid.T) {
				m.observe(t, m.room.SetFocusProperties(map[string]string{"bridge-count": rapid.StringMatching(`[0-9]`).Draw(t, "n")}))
			},
			"hand over": func(t *rapid.T) {
				jid := m.anyone(t)
				value, ok := m.room.Export(jid)
				if !ok || len(m.present) == 1 {
					return
				}
				m.observe(t, m.room.Remove(m.now, jid, Moved))
				m.observe(t, m.room.Admit(m.now, jid, value))
			},
			"wait": func(*rapid.T) { m.now = m.now.Add(11 * time.Second) },
		})
	})
}
