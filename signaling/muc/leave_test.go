package muc

import "testing"

func TestLeave(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	f.send(bob, `<presence to="%s/bbbbbbbb" type="unavailable" id="bye"/>`, roomJID)
	f.want(alice, "presence bbbbbbbb unavailable none/none")
	f.want(carol, "presence bbbbbbbb unavailable none/none")
	f.want(bob, "presence bbbbbbbb unavailable #bye none/none 110")
	f.wantPresent("aaaaaaaa owner/moderator, cccccccc none/participant")
	if l := f.other[0].(Left); l.Cause != ByItself || l.Occupant.JID != bob || len(f.other) != 1 {
		t.Errorf("effects %v", f.other)
	}
	f.send(bob, `<message to="%s" type="groupchat"><body>still here?</body></message>`, roomJID)
	f.want(bob, "message room error not-acceptable")
	f.want(alice)
}

func TestRemovedByTheServer(t *testing.T) {
	for cause, code := range map[Cause]string{Gone: "333", Failed: "333", Kicked: "307"} {
		t.Run(cause.String(), func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.take(f.room.Remove(f.now, bob, cause))
			f.want(alice, "presence bbbbbbbb unavailable none/none "+code)
			f.want(bob, "presence bbbbbbbb unavailable none/none "+code+" 110")
			if l := f.other[0].(Left); l.Cause != cause {
				t.Errorf("cause %v", l.Cause)
			}
			f.clear()
			if effects := f.room.Remove(f.now, bob, cause); effects != nil {
				t.Errorf("removed twice: %v", effects)
			}
		})
	}
}

func TestNextModerator(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	f.send(alice, `<presence to="%s/aaaaaaaa" type="unavailable"/>`, roomJID)
	f.want(bob, "presence aaaaaaaa unavailable none/none", "presence bbbbbbbb owner/moderator 110")
	f.want(carol, "presence aaaaaaaa unavailable none/none", "presence bbbbbbbb owner/moderator")
	if count[RoleChanged](f.other) != 1 {
		t.Errorf("effects %v", f.other)
	}
	f.send(carol, `<presence to="%s/cccccccc" type="unavailable"/>`, roomJID)
	f.want(bob, "presence cccccccc unavailable none/none")
}

func TestNextOwnerIsAModerator(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob, carol)
	f.admin(alice, `<item nick="cccccccc" role="moderator"/>`)
	f.send(alice, `<presence to="%s/aaaaaaaa" type="unavailable"/>`, roomJID)
	f.want(bob, "presence aaaaaaaa unavailable owner/none", "presence cccccccc owner/moderator") // who granted is an explicit owner
	f.wantPresent("bbbbbbbb none/participant, cccccccc owner/moderator")
}

func TestEmptyRoomForgets(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.configure(alice, fieldSecret, "secret")
	f.send(alice, `<message to="%s" type="groupchat"><subject>S</subject></message>`, roomJID)
	f.send(alice, `<presence to="%s/aaaaaaaa" type="unavailable"/>`, roomJID)
	if _, ok := f.other[len(f.other)-1].(Empty); !ok || count[Left](f.other) != 1 {
		t.Errorf("effects %v", f.other)
	}
	f.enter(bob, "bbbbbbbb", "", "")
	f.want(bob,
		"presence focus owner/moderator",
		"presence bbbbbbbb owner/moderator 201 100 110",
		"message room groupchat subject")
}
