package muc

import (
	"fmt"
	"strings"
	"testing"
)

// configure submits fields, name and value in turn.
func (f *fixture) configure(jid string, fields ...string) {
	f.t.Helper()
	var b strings.Builder
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&b, `<field var="%s"><value>%s</value></field>`, fields[i], fields[i+1])
	}
	f.send(jid, `<iq to="%s" type="set" id="cfg"><query xmlns="http://jabber.org/protocol/muc#owner">`+
		`<x type="submit" xmlns="jabber:x:data">%s</x></query></iq>`, roomJID, b.String())
}

func TestConfigurationForm(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	// As stock clients ask: with an empty form of the wrong type.
	f.send(alice, `<iq to="%s" type="get" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"><x type="submit" xmlns="jabber:x:data"/></query></iq>`, roomJID)
	f.want(alice, "iq room result #1 query")
	x := f.last[alice].Child(nsOwner, "query").Child(nsData, "x")
	got := submitted(x)
	for name, want := range map[string]string{
		"FORM_TYPE": nsRoomConfig, fieldSecret: "", fieldProtected: "0", fieldMembersOnly: "0", fieldWhois: "anyone", fieldSubject: "0",
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %q %v, want %q", name, value, ok, want)
		}
	}
	f.configure(alice, "FORM_TYPE", nsRoomConfig, fieldWhois, "anyone")
	f.want(alice, "iq room result #cfg") // nothing changed, nobody is told
}

func TestPassword(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.configure(alice, "FORM_TYPE", nsRoomConfig, fieldSecret, "one", fieldWhois, "anyone", fieldProtected, "1")
	f.want(alice, "iq room result #cfg", "message room groupchat 104")
	f.want(bob, "message room groupchat 104")
	f.enter(carol, "cccccccc", "", "")
	f.want(carol, "presence cccccccc error not-authorized")
	f.configure(alice, fieldMembersOnly, "0") // absent fields stay
	f.enter(carol, "cccccccc", "one", "")
	f.want(bob, "presence cccccccc none/participant") // and nobody sees the password
	f.configure(alice, fieldSecret, "", fieldProtected, "0")
	f.enter(mallo, "dddddddd", "", "")
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant, cccccccc none/participant, dddddddd none/participant")
}

func TestMembersOnly(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.configure(alice, fieldMembersOnly, "1")
	f.enter(carol, "cccccccc", "", "")
	f.want(carol, "presence cccccccc error registration-required")
	f.send(bob, `<presence to="%s/bbbbbbbb" type="unavailable"/>`, roomJID)
	f.enter(bob, "bbbbbbbb", "", "") // who was in comes back
	f.admin(alice, `<item affiliation="member" jid="%s"/>`, bareJID(carol))
	f.enter(carol, "cccccccc", "", "")
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb member/participant, cccccccc member/participant")
}

// TestMembersOnlyInACrowd writes no more than a commit has room for.
func TestMembersOnlyInACrowd(t *testing.T) {
	f := newFixture(t)
	for i := range 2 * maxEnrolled {
		f.appear(fmt.Sprintf("%08x-1111-4222-8333-444444444444@meet.test/r", i), "")
	}
	f.room.Handle(f.now, "00000000-1111-4222-8333-444444444444@meet.test/r", f.parse(alice, fmt.Sprintf(
		`<iq to="%s" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"><x type="submit" xmlns="jabber:x:data">`+
			`<field var="%s"><value>1</value></field></x></query></iq>`, roomJID, fieldMembersOnly)))
	if n := len(f.room.header.affiliations); n != maxEnrolled || f.room.header.affiliation("00000000-1111-4222-8333-444444444444@meet.test") != affMember {
		t.Errorf("%d members", n)
	}
}

func TestFormsRefused(t *testing.T) {
	for name, c := range map[string]struct{ query, want string }{
		"no form":       {``, "bad-request"},
		"result":        {`<x xmlns="jabber:x:data" type="result"/>`, "bad-request"},
		"other form":    {`<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>other</value></field></x>`, "not-acceptable"},
		"anonymous":     {`<x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_whois"><value>moderators</value></field></x>`, "not-acceptable"},
		"long password": {`<x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_roomsecret"><value>` + strings.Repeat("p", 257) + `</value></field></x>`, "not-acceptable"},
		"no password":   {`<x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_passwordprotectedroom"><value>1</value></field></x>`, "not-acceptable"},
		"no boolean":    {`<x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_membersonly"><value>maybe</value></field></x>`, "not-acceptable"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.send(alice, `<iq to="%s" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#owner">%s</query></iq>`, roomJID, c.query)
			f.want(alice, "iq room error #1 "+c.want)
			f.want(bob)
			if f.room.header.password != "" || f.room.header.membersOnly {
				t.Errorf("header %+v", f.room.header)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.send(alice, `<iq to="%s" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="cancel"/></query></iq>`, roomJID)
	f.want(alice, "iq room result #1")
	f.wantPresent("aaaaaaaa owner/moderator")
}

func TestDestroy(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	destroy := `<iq to="%s" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"><destroy><reason>over</reason></destroy></query></iq>`
	f.send(bob, destroy, roomJID)
	f.want(bob, "iq room error #1 forbidden")
	f.send(bob, request, "aaaaaaaa", "before")
	f.send(alice, destroy, roomJID)
	f.want(alice, "iq room result #1", "presence aaaaaaaa unavailable none/none destroy 110")
	f.want(bob, "presence bbbbbbbb unavailable none/none destroy 110")
	if reason := childText(f.last[bob].Child(nsUser, "x").Child(nsUser, "destroy"), nsUser, "reason"); reason != "over" {
		t.Errorf("reason %q", reason)
	}
	if count[Left](f.other) != 2 || count[Empty](f.other) != 1 {
		t.Errorf("effects %v", f.other)
	}
	f.wantPresent("")
	f.join(alice, bob)
	f.send(alice, `<iq to="%s/bbbbbbbb" type="result" id="before"/>`, roomJID)
	f.want(bob)
}
