package muc

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
)

func TestHandOverIsSilent(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.send(alice, `<presence to="%s/aaaaaaaa"><SourceInfo>{}</SourceInfo></presence>`, roomJID)
	value, ok := f.room.Export(alice)
	want := session.Occupancy{
		Nick: "aaaaaaaa", Role: "moderator", Affiliation: "owner", Presence: []byte("<SourceInfo>{}</SourceInfo>"),
		Joined: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, value); diff != "" || !ok {
		t.Fatalf("exported %v (-want +got):\n%s", ok, diff)
	}
	f.clear()
	f.take(f.room.Remove(f.now, alice, Moved))
	if len(f.inbox) != 0 || count[Left](f.other) != 1 || len(f.other) != 1 {
		t.Errorf("moved away: %v %v", f.inbox, f.other)
	}
	moved := alice[:len(alice)-1] + "9"
	f.clear()
	f.take(f.room.Admit(f.now, moved, value))
	if len(f.inbox) != 0 {
		t.Errorf("admitted: %v", f.inbox)
	}
	if j := f.other[0].(Joined); j.Occupant.JID != moved || j.Occupant.Role != "moderator" || childText(j.Presence, nsClient, "SourceInfo") != "{}" {
		t.Errorf("effects %+v", f.other)
	}
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant") // in its old place
	f.send(bob, `<message to="%s" type="groupchat"><body>x</body></message>`, roomJID)
	f.want(moved, "message bbbbbbbb groupchat body=x")
	f.want(alice)
	f.enter(carol, "cccccccc", "", "")
	if got := f.inbox[carol][1]; got != "presence aaaaaaaa owner/moderator SourceInfo={}" {
		t.Errorf("a later joiner sees %s", got)
	}
}

func TestAdmitReplaces(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	value, _ := f.room.Export(alice)
	f.take(f.room.Admit(f.now, alice, value))
	if len(f.inbox) != 0 || count[Updated](f.other) != 1 {
		t.Errorf("%v %v", f.inbox, f.other)
	}
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
	if len(f.room.roster.jids) != 2 || len(f.room.roster.nicks) != 2 {
		t.Error("an index keeps who was replaced")
	}
}

func TestRequestsSurviveAMove(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.send(bob, request, "aaaaaaaa", "1")
	value, _ := f.room.Export(alice)
	f.room.Remove(f.now, alice, Moved)
	f.room.Admit(f.now, alice, value)
	f.send(alice, `<iq to="%s/bbbbbbbb" type="result" id="1"/>`, roomJID)
	f.want(bob, "iq aaaaaaaa result #1")
}

func TestAdmitUnderAnotherNick(t *testing.T) {
	const plain = "plain@meet.test/r"
	f := newFixture(t)
	f.join(alice)
	f.enter(plain, "eeeeeeee", "", "")
	f.send(alice, request, "eeeeeeee", "1")
	f.take(f.room.Admit(f.now, plain, session.Occupancy{Nick: "ffffffff", Joined: f.now}))
	f.wantPresent("aaaaaaaa owner/moderator, ffffffff none/participant")
	if n := f.room.pending.order.Len(); n != 0 {
		t.Errorf("%d requests to a nick that is gone", n)
	}
}

func TestAdmitIsCareful(t *testing.T) {
	f := newFixture(t)
	f.take(f.room.Admit(f.now, alice, session.Occupancy{Nick: "bbbbbbbb"}))
	f.wantPresent("")
	for _, payload := range []string{
		`</presence><iq/>`, `<x`, `<x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x>`, "\xff",
	} {
		f.take(f.room.Admit(f.now, alice, session.Occupancy{Nick: "aaaaaaaa", Presence: []byte(payload)}))
		if o := f.room.roster.nicks["aaaaaaaa"]; len(o.presence) != 0 {
			t.Errorf("%s is kept as %s", payload, o.presence)
		}
	}
	f.wantPresent("aaaaaaaa none/participant")
}

func TestMovedAway(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.send(bob, `<presence to="%s/bbbbbbbb"><a/></presence>`, roomJID)
	before, _ := f.room.Occupant("bbbbbbbb")
	f.clear()
	f.take(f.room.Remove(f.now, bob, Moved))
	if l := first[Left](f.other); l.Cause != Moved || len(f.other) != 1 {
		t.Errorf("effects %+v", f.other)
	}
	f.take(f.room.Appear(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: before.Joined, Presence: before.Presence}))
	f.want(alice)
	f.send(alice, `<message to="%s" type="groupchat"><body>x</body></message>`, roomJID)
	f.want(bob)
	f.pass(time.Minute)
	f.want(alice)
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
	if o, _ := f.room.Occupant("bbbbbbbb"); o.Local {
		t.Error("it is here still")
	}
}

// TestMovedAndAppearedBefore hears of the new node before this one lets go.
func TestMovedAndAppearedBefore(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	before, _ := f.room.Occupant("bbbbbbbb")
	f.take(f.room.Appear(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: before.Joined, Presence: []byte("<news/>")}))
	f.want(alice)
	f.take(f.room.Evict(f.now, room.Removal{Endpoint: "bbbbbbbb", Cause: room.Moved}))
	f.want(alice, "presence bbbbbbbb none/participant news")
	f.pass(time.Minute)
	f.want(alice)
}

func TestLostOnTheWay(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.appear(carol, "")
	f.clear()
	f.take(f.room.Remove(f.now, bob, Moved))
	f.vanish("cccccccc", room.Moved, "", "")
	f.pass(movedGrace - 1)
	f.want(alice)
	f.pass(1)
	f.want(alice, "presence bbbbbbbb unavailable none/none 333", "presence cccccccc unavailable none/none 333")
	f.wantPresent("aaaaaaaa owner/moderator")
}

// TestMovedHere takes over who was seen at another node.
func TestMovedHere(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.appear(bob, "<a/>")
	known, _ := f.room.Occupant("bbbbbbbb")
	f.clear()
	f.take(f.room.Admit(f.now, bob, session.Occupancy{
		Nick: "bbbbbbbb", Role: "participant", Affiliation: "none", Presence: []byte("<a/>"), Joined: known.Joined.Clock(),
	}))
	if j := first[Joined](f.other); len(f.inbox) != 0 || !j.Occupant.Local || j.Occupant.Joined != known.Joined {
		t.Errorf("%v %+v", f.inbox, f.other)
	}
	f.pass(0)
	f.take(f.room.Appear(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: known.Joined, Presence: []byte("<late/>")}))
	f.vanish("bbbbbbbb", room.Moved, "", "")
	f.vanish("bbbbbbbb", room.Gone, "", "")
	f.want(alice)
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
}

// TestRightsOfWhoMovedHere: its own node and this one may see different moderators for a moment.
func TestRightsOfWhoMovedHere(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.take(f.room.Admit(f.now, bob, session.Occupancy{Nick: "bbbbbbbb", Role: "moderator", Affiliation: "owner", Joined: f.now}))
	f.clear()
	if next := f.room.Next(); next != f.now {
		t.Errorf("due %v", next)
	}
	f.pass(0)
	f.want(bob, "presence bbbbbbbb none/participant 110")
	f.pass(time.Minute)
	f.want(bob)
}

func TestAdmitOfWhoIsKicked(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	value, _ := f.room.Export(bob)
	f.take(f.room.Remove(f.now, bob, Moved))
	f.header(room.FieldAffiliation+bareJID(bob), "outcast")
	f.clear()
	f.take(f.room.Admit(f.now, bob, value))
	if len(f.other) != 0 {
		t.Errorf("effects %+v", f.other)
	}
	f.wantPresent("aaaaaaaa owner/moderator")
}
