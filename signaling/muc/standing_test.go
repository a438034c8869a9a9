package muc

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// pass lets time go by and the room do what is due.
func (f *fixture) pass(d time.Duration) {
	f.now = f.now.Add(d)
	f.clear()
	f.take(f.room.Tick(f.now))
}

// TestDamping meets somebody who was first elsewhere: the present moderator gives way after two seconds.
func TestDamping(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.take(f.room.Appear(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: 1}))
	f.want(alice, "presence bbbbbbbb none/participant")
	start := f.now
	f.pass(2*time.Second - 1)
	f.want(alice)
	if next := f.room.Next(); next != start.Add(2*time.Second) {
		t.Errorf("due %v", next)
	}
	f.pass(1)
	f.want(alice, "presence aaaaaaaa none/participant 110", "presence bbbbbbbb owner/moderator")
	if count[RoleChanged](f.other) != 2 {
		t.Errorf("effects %+v", f.other)
	}
	if next := f.room.Next(); !next.IsZero() {
		t.Errorf("due %v", next)
	}
	f.vanish("bbbbbbbb", room.Gone, "", "")
	f.want(alice, "presence bbbbbbbb unavailable none/none 333", "presence aaaaaaaa owner/moderator 110") // at once
}

func TestDampingOfAFlap(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.take(f.room.Appear(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: 1}))
	f.pass(time.Second)
	f.vanish("bbbbbbbb", room.Gone, "", "")
	f.pass(time.Minute)
	f.want(alice)
	f.wantPresent("aaaaaaaa owner/moderator")
}

// TestGrantKeepsTheOwner has the automatic owner make another owner, or a moderator, who is longer in the room.
func TestGrantKeepsTheOwner(t *testing.T) {
	for name, item := range map[string]string{"owner": `affiliation="owner"`, "moderator": `role="moderator"`} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.take(f.room.Remove(f.now, alice, ByItself))
			f.join(alice, carol)
			f.admin(bob, `<item nick="cccccccc" %s/>`, item)
			w := first[Write](f.other).Fields
			if len(w) != 2 || w[0] != (room.Write{Key: room.FieldAffiliation + bareJID(bob), Value: affOwner}) {
				t.Errorf("writes %v", w)
			}
			f.pass(time.Minute)
			f.want(bob)
			if o, _ := f.room.Occupant("bbbbbbbb"); o.Affiliation != affOwner {
				t.Errorf("present: %s", f.present())
			}
		})
	}
}

func TestRoleEndsWithTheOccupancy(t *testing.T) {
	for cause, want := range map[Cause]string{ByItself: "none/participant", Kicked: "none/participant", Gone: "none/moderator"} {
		f := newFixture(t)
		f.join(alice, bob)
		f.admin(alice, `<item nick="bbbbbbbb" role="moderator"/>`)
		f.clear()
		f.take(f.room.Remove(f.now, bob, cause))
		if w := first[Write](f.other).Fields; cause != Gone && (len(w) != 1 || w[0] != room.Write{Key: room.FieldModerator + "bbbbbbbb"}) {
			t.Errorf("%v: writes %v", cause, w)
		}
		f.join(bob)
		f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb " + want)
	}
}

func TestOnlyTheAuthorityWrites(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.admin(alice, `<item nick="bbbbbbbb" role="moderator"/>`)
	f.room.SetAuthority(false)
	f.clear()
	f.take(f.room.Remove(f.now, bob, ByItself))
	if count[Write](f.other) != 0 {
		t.Errorf("effects %+v", f.other)
	}
}
