package muc

import (
	"testing"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func TestReadmit(t *testing.T) {
	locked := "presence bbbbbbbb unavailable none/none (the room was locked) 307"
	for name, c := range map[string]struct {
		given  string
		fields []string
		want   string // what alice sees
	}{
		"open":            {"", nil, ""},
		"right password":  {"one", []string{room.FieldPassword, "one"}, ""},
		"no password":     {"", []string{room.FieldPassword, "one"}, locked},
		"wrong password":  {"two", []string{room.FieldPassword, "one"}, locked},
		"no member":       {"", []string{room.FieldMembersOnly, "1"}, locked},
		"member":          {"", []string{room.FieldMembersOnly, "1", room.FieldAffiliation + bareJID(bob), "member"}, ""},
		"member, no pass": {"", []string{room.FieldPassword, "one", room.FieldAffiliation + bareJID(bob), "owner"}, "presence bbbbbbbb unavailable owner/none (the room was locked) 307"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice)
			f.enter(bob, "bbbbbbbb", c.given, "")
			f.header(c.fields...)
			f.clear()
			f.take(f.room.Readmit(f.now, "bbbbbbbb"))
			if c.want == "" {
				f.want(alice)
				return
			}
			if got := f.inbox[alice]; len(got) == 0 || got[0] != c.want {
				t.Errorf("alice received %v", got)
			}
			if l := first[Left](f.other); l.Cause != Kicked {
				t.Errorf("effects %+v", f.other)
			}
			f.take(f.room.Readmit(f.now, "bbbbbbbb"))
			f.enter(bob, "bbbbbbbb", "", "")
			if len(f.inbox[bob]) != 1 {
				t.Errorf("came back with %v", f.inbox[bob])
			}
		})
	}
}

func TestReadmitOnlyHere(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.appear(bob, "")
	f.header(room.FieldPassword, "x")
	f.clear()
	f.take(f.room.Readmit(f.now, "bbbbbbbb"))
	f.take(f.room.Readmit(f.now, "99999999"))
	f.want(alice)
}

// TestReadmitWhoMovedHere: what it gave is not known here.
func TestReadmitWhoMovedHere(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.enter(carol, "cccccccc", "one", "")
	value, _ := f.room.Export(carol)
	f.take(f.room.Remove(f.now, carol, Moved))
	f.take(f.room.Admit(f.now, carol, value))
	f.header(room.FieldPassword, "one")
	f.take(f.room.Readmit(f.now, "cccccccc"))
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
}
