package muc

import (
	"testing"
)

func TestBurst(t *testing.T) {
	f := newFixture(t)
	f.enter(alice, "aaaaaaaa", "", "<stats-id>A</stats-id>")
	f.want(alice,
		"presence focus owner/moderator",
		"presence aaaaaaaa owner/moderator 201 100 110 stats-id=A",
		"message room groupchat subject")
	if j, ok := f.other[0].(Joined); !ok || j.Occupant.Nick != "aaaaaaaa" || childText(j.Presence, nsClient, "stats-id") != "A" {
		t.Errorf("effects: %+v", f.other)
	}
	f.join(bob)
	f.enter(carol, "cccccccc", "", "<stats-id>C</stats-id>")
	f.want(alice, "presence cccccccc none/participant stats-id=C")
	f.want(bob, "presence cccccccc none/participant stats-id=C")
	f.want(carol,
		"presence focus owner/moderator",
		"presence aaaaaaaa owner/moderator stats-id=A",
		"presence bbbbbbbb none/participant",
		"presence cccccccc none/participant 100 110 stats-id=C",
		"message room groupchat subject")
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant, cccccccc none/participant")
}

func TestBurstShowsRealJIDs(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	effects := f.room.Handle(f.now, bob, f.parse(bob, `<presence to="`+roomJID+`/bbbbbbbb"><x xmlns="http://jabber.org/protocol/muc"/></presence>`))
	var jids []string
	for _, e := range effects {
		if d, ok := e.(Deliver); ok && d.To == bob {
			if x := f.check(d).Child(nsUser, "x"); x != nil {
				jids = append(jids, x.Child(nsUser, "item").Attr("jid"))
			}
		}
	}
	if len(jids) != 3 || jids[0] != focusJID || jids[1] != alice || jids[2] != bob {
		t.Errorf("jids %v", jids)
	}
}

func TestQuietCreation(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.QuietCreation, c.Focus = true, "" })
	f.enter(alice, "aaaaaaaa", "", "")
	f.want(alice, "presence aaaaaaaa owner/moderator 100 110", "message room groupchat subject")
}

func TestJoinRefused(t *testing.T) {
	const foreign = "alice@meet.test/phone"
	for _, c := range []struct {
		name, jid, nick, password string
		change                    func(*Config)
		want                      string
	}{
		{"focus", mallo, "focus", "secret", nil, "not-acceptable"},
		{"another's nick", mallo, "aaaaaaaa", "secret", nil, "not-acceptable"},
		{"no endpoint id", foreign, "mallory1", "secret", nil, "not-acceptable"},
		{"too long", foreign, "0123456789", "secret", nil, "not-acceptable"},
		{"nick of somebody else", foreign, "aaaaaaaa", "secret", nil, "conflict"},
		{"wrong password", mallo, "dddddddd", "secreT", nil, "not-authorized"},
		{"no password", mallo, "dddddddd", "", nil, "not-authorized"},
		{"full", mallo, "dddddddd", "secret", func(c *Config) { c.Limits.Occupants = 1 }, "service-unavailable"},
		{"the focus' JID", "focus@auth.meet.test/other", "eeeeeeee", "secret", nil, "not-allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			if c.change != nil {
				f = newFixture(t, c.change)
			}
			f.join(alice)
			f.configure(alice, fieldSecret, "secret")
			f.enter(c.jid, c.nick, c.password, "")
			f.want(c.jid, "presence "+c.nick+" error "+c.want)
			f.want(alice)
			if len(f.other) != 0 {
				t.Errorf("effects %v", f.other)
			}
			f.wantPresent("aaaaaaaa owner/moderator")
		})
	}
}

func TestJoinAllowed(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.configure(alice, fieldSecret, "secret")
	f.enter(mallo, "dddddddd", "secret", "")
	f.enter("alice@meet.test/phone", "0123abcd", "secret", "")
	f.wantPresent("aaaaaaaa owner/moderator, dddddddd none/participant, 0123abcd none/participant")
}

func TestNotAuthorizedIsOfTypeAuth(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.configure(alice, fieldSecret, "secret")
	f.enter(mallo, "dddddddd", "", "")
	if got := f.last[mallo].Child(nsClient, "error").Attr("type"); got != "auth" {
		t.Errorf("type %q", got)
	}
}

func TestPresenceWithoutJoining(t *testing.T) {
	f := newFixture(t)
	f.send(alice, `<presence to="%s/aaaaaaaa"/>`, roomJID)
	f.want(alice, "presence aaaaaaaa error item-not-found")
	f.send(alice, `<presence to="%s"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, roomJID)
	f.want(alice, "presence room error jid-malformed")
	f.send(alice, `<presence to="%s/aaaaaaaa" type="unavailable"/>`, roomJID)
	f.send(alice, `<presence to="%s/aaaaaaaa" type="error"/>`, roomJID)
	f.want(alice)
	f.wantPresent("")
}

func TestJoinAgain(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.enter(bob, "bbbbbbbb", "", "<stats-id>2</stats-id>")
	f.want(alice, "presence bbbbbbbb none/participant stats-id=2")
	f.want(bob,
		"presence focus owner/moderator",
		"presence aaaaaaaa owner/moderator",
		"presence bbbbbbbb none/participant 100 110 stats-id=2",
		"message room groupchat subject")
	if count[Updated](f.other) != 1 || count[Joined](f.other) != 0 {
		t.Errorf("effects %v", f.other)
	}
}
