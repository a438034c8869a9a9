package muc

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const request = `<iq to="` + roomJID + `/%s" type="set" id="%s"><jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" sid="1"/></iq>`

func TestRelay(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	f.send(alice, request, "bbbbbbbb", "j1")
	f.want(bob, "iq aaaaaaaa set #j1 jingle")
	f.want(alice)
	f.send(carol, `<iq to="%s/aaaaaaaa" type="result" id="j1"/>`, roomJID) // not the one who was asked
	f.want(alice)
	f.send(bob, `<iq to="%s/aaaaaaaa" type="result" id="j2"/>`, roomJID) // not what was asked
	f.want(alice)
	f.send(bob, `<iq to="%s/aaaaaaaa" type="result" id="j1"><ok xmlns="urn:x"/></iq>`, roomJID)
	f.want(alice, "iq bbbbbbbb result #j1 ok")
	f.send(bob, `<iq to="%s/aaaaaaaa" type="result" id="j1"/>`, roomJID) // a second time
	f.want(alice)
	f.want(bob)
	f.send(alice, request, "bbbbbbbb", "j3")
	f.send(bob, `<iq to="%s/aaaaaaaa" type="error" id="j3"><error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`, roomJID)
	f.want(alice, "iq bbbbbbbb error #j3 item-not-found")
}

func TestRelayTimesOut(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.send(alice, request, "bbbbbbbb", "j1")
	f.send(alice, request, "bbbbbbbb", "j2")
	f.now = f.now.Add(30*time.Second - 1)
	f.send(bob, `<iq to="%s/aaaaaaaa" type="result" id="j1"/>`, roomJID)
	f.want(alice, "iq bbbbbbbb result #j1")
	f.now = f.now.Add(1)
	f.send(bob, `<iq to="%s/aaaaaaaa" type="result" id="j2"/>`, roomJID)
	f.want(alice)
	if n := f.room.pending.order.Len(); n != 0 {
		t.Errorf("%d are still waiting", n)
	}
}

func TestRelayIsBounded(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.Pending, c.Limits.PendingEach = 3, 2 })
	f.join(alice, bob, carol)
	f.send(alice, request, "bbbbbbbb", "1")
	f.send(alice, request, "bbbbbbbb", "2")
	f.send(alice, request, "bbbbbbbb", "3")
	f.want(alice, "iq bbbbbbbb error #3 resource-constraint")
	f.want(bob)
	f.send(carol, request, "bbbbbbbb", "1")
	f.want(bob, "iq cccccccc set #1 jingle")
	f.send(carol, request, "bbbbbbbb", "2")
	f.want(carol, "iq bbbbbbbb error #2 resource-constraint")
	f.now = f.now.Add(time.Minute)
	f.send(alice, request, "bbbbbbbb", "4")
	f.want(bob, "iq aaaaaaaa set #4 jingle")
}

func TestWhoIsAskedLeaves(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	f.send(alice, request, "bbbbbbbb", "1")
	f.send(bob, request, "aaaaaaaa", "2")
	f.send(bob, `<presence to="%s/bbbbbbbb" type="unavailable"/>`, roomJID)
	f.want(alice, "presence bbbbbbbb unavailable none/none", "iq bbbbbbbb error #1 recipient-unavailable")
	f.want(carol, "presence bbbbbbbb unavailable none/none")
	if p := f.room.pending; p.order.Len() != 0 || len(p.routes) != 0 || len(p.each) != 0 {
		t.Errorf("left behind: %+v", p)
	}
}

func TestEveryRequestIsAnswered(t *testing.T) {
	ping := `<ping xmlns="urn:xmpp:ping"/>`
	for name, c := range map[string]struct{ from, to, kind, id, child, want string }{
		"own ping":                {bob, "/bbbbbbbb", "get", "1", ping, "iq bbbbbbbb result #1"},
		"ping of a stranger":      {mallo, "/dddddddd", "get", "1", ping, "iq dddddddd error #1 not-acceptable"},
		"ping of the room":        {bob, "", "get", "1", ping, "iq room result #1"},
		"stranger":                {mallo, "/aaaaaaaa", "set", "1", ping, "iq aaaaaaaa error #1 not-acceptable"},
		"stranger, focus":         {mallo, "/focus", "set", "1", ping, "iq focus error #1 not-acceptable"},
		"unknown nick":            {bob, "/99999999", "set", "1", ping, "iq 99999999 error #1 item-not-found"},
		"unknown to the room":     {bob, "", "set", "1", `<query xmlns="urn:unknown"/>`, "iq room error #1 service-unavailable"},
		"unknown get":             {bob, "", "get", "1", `<vCard xmlns="vcard-temp"/>`, "iq room error #1 service-unavailable"},
		"ping as set":             {bob, "", "set", "1", ping, "iq room error #1 service-unavailable"},
		"empty":                   {bob, "", "get", "1", "", "iq room error #1 bad-request"},
		"no id":                   {bob, "/aaaaaaaa", "get", "", ping, "iq aaaaaaaa error bad-request"},
		"no type":                 {bob, "/aaaaaaaa", "", "1", ping, "iq aaaaaaaa error #1 bad-request"},
		"long id":                 {bob, "/aaaaaaaa", "get", strings.Repeat("i", 300), ping, "iq aaaaaaaa error #" + strings.Repeat("i", 300) + " bad-request"},
		"too large":               {bob, "/aaaaaaaa", "get", "1", "<a>" + strings.Repeat("x", 70_000) + "</a>", "iq aaaaaaaa error #1 policy-violation"},
		"admin by a stranger":     {mallo, "", "set", "1", `<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="aaaaaaaa" role="none"/></query>`, "iq room error #1 forbidden"},
		"owner's form, stranger":  {mallo, "", "get", "1", `<query xmlns="http://jabber.org/protocol/muc#owner"/>`, "iq room error #1 forbidden"},
		"owner's form, listener":  {bob, "", "get", "1", `<query xmlns="http://jabber.org/protocol/muc#owner"/>`, "iq room error #1 forbidden"},
		"disco of a node":         {bob, "", "get", "1", `<query xmlns="http://jabber.org/protocol/disco#info" node="x"/>`, "iq room error #1 item-not-found"},
		"disco items of a node":   {bob, "", "get", "1", `<query xmlns="http://jabber.org/protocol/disco#items" node="x"/>`, "iq room error #1 item-not-found"},
		"a result to the room":    {bob, "", "result", "1", "", ""},
		"a result to nobody":      {bob, "/99999999", "result", "1", "", ""},
		"a result of a stranger":  {mallo, "/aaaaaaaa", "result", "1", "", ""},
		"an error without reason": {bob, "/aaaaaaaa", "error", "1", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.send(c.from, `<iq to="%s%s" type="%s" id="%s">%s</iq>`, roomJID, c.to, c.kind, c.id, c.child)
			if c.want == "" {
				f.want(c.from)
			} else {
				f.want(c.from, c.want)
			}
			f.want(alice)
		})
	}
}

func TestFocusIsHandedEverything(t *testing.T) {
	for _, text := range []string{
		`<iq to="%s/focus" type="set" id="1"><mute xmlns="http://jitsi.org/jitmeet/audio" jid="x">true</mute></iq>`,
		`<iq to="%s/focus" type="result" id="1"/>`,
		`<iq to="%s/focus" type="error" id="1"/>`,
		`<message to="%s/focus" type="chat"><body>x</body></message>`,
	} {
		f := newFixture(t)
		f.join(alice, bob)
		f.send(bob, text, roomJID)
		if len(f.inbox) != 0 || len(f.other) != 1 {
			t.Fatalf("%s: %v %v", text, f.inbox, f.other)
		}
		if e := f.other[0].(FocusIQ); e.From.Nick != "bbbbbbbb" || e.IQ.Attr("to") != roomJID+"/focus" {
			t.Errorf("%+v", e)
		}
	}
}

func TestRelayToOneself(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.send(alice, request, "aaaaaaaa", "1")
	f.want(alice, "iq aaaaaaaa set #1 jingle")
	f.send(alice, `<iq to="%s/aaaaaaaa" type="result" id="1"/>`, roomJID)
	f.want(alice, "iq aaaaaaaa result #1")
}

func TestRoomDisco(t *testing.T) {
	f := newFixture(t)
	created := f.now
	f.join(alice, bob)
	ask := func(jid, ns string) (features, fields, items string) {
		f.send(jid, `<iq to="%s" type="get" id="d"><query xmlns="%s"/></iq>`, roomJID, ns)
		q := f.last[jid].Child(ns, "query")
		for _, c := range q.Children {
			switch c.Local {
			case "feature":
				if strings.HasPrefix(c.Attr("var"), "muc_") {
					features += c.Attr("var") + " "
				}
			case "identity":
				features += c.Attr("category") + "/" + c.Attr("type") + " "
			case "x":
				values := submitted(c)
				fields = fmt.Sprint(values["muc#roominfo_meetingId"], " ", values["muc#roominfo_created_timestamp"], " ", values["muc#roominfo_occupants"])
			case "item":
				items += resource(c.Attr("jid")) + " "
			}
		}
		return features, fields, items
	}
	features, fields, _ := ask(bob, nsDiscoInfo)
	if want := "conference/text muc_hidden muc_nonanonymous muc_temporary muc_unmoderated muc_open muc_unsecured "; features != want {
		t.Errorf("features %s", features)
	}
	if want := fmt.Sprintf("meeting-1 %d 2", created.UnixMilli()); fields != want {
		t.Errorf("fields %s, want %s", fields, want)
	}
	if _, _, items := ask(bob, nsDiscoItems); items != "focus aaaaaaaa bbbbbbbb " {
		t.Errorf("items %s", items)
	}
	f.configure(alice, fieldSecret, "s", fieldMembersOnly, "true")
	features, fields, _ = ask(mallo, nsDiscoInfo)
	if want := "conference/text muc_hidden muc_nonanonymous muc_temporary muc_unmoderated muc_membersonly muc_passwordprotected "; features != want {
		t.Errorf("features %s", features)
	}
	if _, _, items := ask(mallo, nsDiscoItems); fields != "" || items != "" {
		t.Errorf("a stranger learns %q %q", fields, items)
	}
}
