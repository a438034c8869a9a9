package muc

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

const (
	kickBob   = `<iq to="` + roomJID + `" type="set" id="k"><query xmlns="http://jabber.org/protocol/muc#admin"><item nick="bbbbbbbb" role="none"/></query></iq>`
	lockRoom  = `<iq to="` + roomJID + `" type="set" id="k"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_roomsecret"><value>s</value></field></x></query></iq>`
	endRoom   = `<iq to="` + roomJID + `" type="set" id="k"><query xmlns="http://jabber.org/protocol/muc#owner"><destroy><reason>over</reason></destroy></query></iq>`
	nameRoom  = `<message to="` + roomJID + `" type="groupchat" id="k"><subject>S</subject></message>`
	nobodyYet = "presence aaaaaaaa owner/moderator 201 100 110"
)

func TestCommandsGoToTheAuthority(t *testing.T) {
	for name, text := range map[string]string{"admin": kickBob, "owner": lockRoom, "destroy": endRoom, "subject": nameRoom} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.room.SetAuthority(false)
			for _, from := range []string{alice, bob} { // whether they may is not decided here
				f.send(from, "%s", text)
				if c := first[Command](f.other); c.From.JID != from || c.Stanza == nil || len(f.other) != 1 || len(f.inbox) != 0 {
					t.Errorf("effects %+v, delivered %v", f.other, f.inbox)
				}
			}
			f.send(mallo, "%s", text)
			if len(f.other) != 0 || len(f.inbox[mallo]) != 1 {
				t.Errorf("a stranger: %+v %v", f.other, f.inbox)
			}
			f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
		})
	}
}

func TestReadsAreAnsweredHere(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.room.SetAuthority(false)
	f.send(alice, `<iq to="%s" type="get" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"/></iq>`, roomJID)
	f.want(alice, "iq room result #1 query")
	f.send(alice, `<iq to="%s" type="get" id="1"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner"/></query></iq>`, roomJID)
	f.want(alice, "iq room result #1 query")
	f.send(alice, `<message to="%s" type="groupchat"><body>b</body><subject>s</subject></message>`, roomJID)
	f.want(bob, "message aaaaaaaa groupchat body=b")
}

func TestCommandFromAway(t *testing.T) {
	for name, c := range map[string]struct {
		text, bob, carol, key string
	}{
		"lock":    {lockRoom, "iq room result #k", "message room groupchat 104", room.FieldPassword},
		"subject": {nameRoom, "", "message bbbbbbbb groupchat #k subject=S", room.FieldSubject},
		"kick": {
			`<iq to="` + roomJID + `" type="set" id="k"><query xmlns="http://jabber.org/protocol/muc#admin"><item nick="dddddddd" role="none"><reason>r</reason></item></query></iq>`,
			"iq room result #k", "presence dddddddd unavailable none/none by bbbbbbbb (r) 307", room.FieldKick + "dddddddd",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.appear(bob, "") // the first, so that it is owner
			f.join(carol)
			f.appear(mallo, "")
			f.send(bob, "%s", c.text)
			if c.bob == "" {
				f.want(bob)
			} else {
				f.want(bob, c.bob)
			}
			f.want(carol, c.carol)
			w, ok := f.other[0].(Write)
			if !ok || len(w.Fields) != 1 || w.Fields[0].Key != c.key {
				t.Errorf("effects %+v", f.other)
			}
			f.room.Handle(f.now, bob, f.parse(bob, lockRoom))
			f.send(mallo, lockRoom) // who may not, or is out
			if got := f.inbox[mallo]; len(got) != 1 || got[0] != "iq room error #k forbidden" {
				t.Errorf("dddddddd received %v", got)
			}
		})
	}
}

func TestNothingElseIsDoneForAway(t *testing.T) {
	f := newFixture(t)
	f.appear(bob, "")
	f.join(alice)
	for _, text := range []string{
		`<presence to="%s/bbbbbbbb" type="unavailable"/>`,
		`<presence to="%s/bbbbbbbb"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
		`<message to="%s" type="groupchat"><body>b</body></message>`,
		`<message to="%s/aaaaaaaa" type="chat"><body>b</body></message>`,
		`<iq to="%s/aaaaaaaa" type="set" id="1"><a xmlns="urn:a"/></iq>`,
		`<iq to="%s" type="get" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"/></iq>`,
	} {
		f.send(bob, text, roomJID)
		f.want(alice)
		if len(f.other) != 0 {
			t.Errorf("%s: %+v", text, f.other)
		}
	}
	f.room.SetAuthority(false)
	f.send(bob, lockRoom)
	f.want(bob, "iq room error #k conflict")
	f.wantPresent("bbbbbbbb owner/moderator, aaaaaaaa none/participant")
}

func TestCommandFails(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.take(f.room.Fail(f.now, alice, f.parse(alice, kickBob)))
	f.take(f.room.Fail(f.now, alice, f.parse(alice, nameRoom)))
	f.want(alice, "iq room error #k remote-server-timeout")
}

func TestDestroyedElsewhere(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.appear(carol, "")
	at := room.At(f.now)
	f.clear()
	f.take(f.room.Destroyed(f.now, at, "over"))
	f.want(alice, "presence aaaaaaaa unavailable none/none destroy 110")
	f.want(bob, "presence bbbbbbbb unavailable none/none destroy 110")
	if count[Left](f.other) != 2 || count[Empty](f.other) != 1 {
		t.Errorf("effects %+v", f.other)
	}
	f.wantPresent("")
	f.clear()
	f.vanish("cccccccc", room.Destroyed, "", "")
	f.take(f.room.Destroyed(f.now, at, "over"))
	if len(f.inbox)+len(f.other) != 0 {
		t.Errorf("again: %v %+v", f.inbox, f.other)
	}
}

// TestDestroyedMeanwhile has somebody come after the end that is heard of late.
func TestDestroyedMeanwhile(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.appear(bob, "")
	at := room.At(f.now)
	f.now = f.now.Add(1e9)
	f.join(carol)
	f.appear(mallo, "")
	f.clear()
	f.take(f.room.Destroyed(f.now, at, ""))
	f.want(alice, "presence aaaaaaaa unavailable none/none destroy 110")
	f.want(carol, "presence aaaaaaaa unavailable none/none", "presence bbbbbbbb unavailable none/none", "presence cccccccc owner/moderator 110")
	f.wantPresent("cccccccc owner/moderator, dddddddd none/participant")
}

func TestDestroyTellsTheOthers(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.appear(bob, "")
	f.send(alice, endRoom)
	d := first[Destroy](f.other)
	if diff := cmp.Diff(Destroy{At: f.room.stamped, Reason: "over"}, d); diff != "" {
		t.Errorf("destroy:\n%s", diff)
	}
	f.wantPresent("")
}

func TestFounded(t *testing.T) {
	f := newFixture(t)
	f.room.SetFounded(false)
	f.enter(alice, "aaaaaaaa", "", "")
	if got := f.inbox[alice][1]; got != "presence aaaaaaaa owner/moderator 100 110" {
		t.Errorf("not founded here: %s", got)
	}
	f = newFixture(t)
	f.enter(alice, "aaaaaaaa", "", "")
	if got := f.inbox[alice][1]; got != nobodyYet {
		t.Errorf("founded here: %s", got)
	}
	f = newFixture(t)
	f.appear(bob, "")
	f.enter(alice, "aaaaaaaa", "", "")
	if got := f.inbox[alice][2]; got != "presence aaaaaaaa none/participant 100 110" {
		t.Errorf("somebody is elsewhere: %s", got)
	}
}
