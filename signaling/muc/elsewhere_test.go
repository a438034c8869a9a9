package muc

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func (f *fixture) stamp() room.Time { return room.At(f.now) }

// appear lets somebody be at another node.
func (f *fixture) appear(jid, presence string) {
	f.t.Helper()
	f.clear()
	f.take(f.room.Appear(f.now, Remote{Nick: nickOf(jid), JID: jid, Joined: f.stamp(), Presence: []byte(presence)}))
	f.now = f.now.Add(time.Second)
}

func (f *fixture) vanish(nick string, cause room.Cause, actor, reason string) {
	f.t.Helper()
	f.clear()
	f.take(f.room.Vanish(f.now, room.Removal{Endpoint: room.EndpointID(nick), Cause: cause, Actor: room.EndpointID(actor), Reason: reason}))
}

func TestRemoteComesAndGoes(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	joined := f.stamp()
	f.appear(bob, "<stats-id>B</stats-id>")
	f.want(alice, "presence bbbbbbbb none/participant stats-id=B")
	f.want(bob)
	if len(f.other) != 0 {
		t.Errorf("effects %+v", f.other)
	}
	want := Occupant{Nick: "bbbbbbbb", JID: bob, Role: "participant", Affiliation: "none", Joined: joined, Presence: []byte("<stats-id>B</stats-id>")}
	if o, _ := f.room.Occupant("bbbbbbbb"); !cmp.Equal(o, want) {
		t.Errorf("occupant %+v", o)
	}
	f.join(carol)
	f.enter(carol, "cccccccc", "", "") // the burst once more
	f.want(carol,
		"presence focus owner/moderator",
		"presence aaaaaaaa owner/moderator",
		"presence bbbbbbbb none/participant stats-id=B",
		"presence cccccccc none/participant 100 110",
		"message room groupchat subject")
	f.vanish("bbbbbbbb", room.ByItself, "", "")
	f.want(alice, "presence bbbbbbbb unavailable none/none")
	f.want(carol, "presence bbbbbbbb unavailable none/none")
	f.want(bob)
	f.wantPresent("aaaaaaaa owner/moderator, cccccccc none/participant")
}

func TestRemoteVanishesOnce(t *testing.T) {
	for cause, want := range map[room.Cause]string{
		room.Gone:   "presence bbbbbbbb unavailable none/none 333",
		room.Failed: "presence bbbbbbbb unavailable none/none 333",
		room.Kicked: "presence bbbbbbbb unavailable none/none by aaaaaaaa (noise) 307",
		room.Banned: "presence bbbbbbbb unavailable none/none by aaaaaaaa (noise) 301",
	} {
		t.Run(Cause(cause).String(), func(t *testing.T) {
			f := newFixture(t)
			f.join(alice)
			f.appear(bob, "")
			actor, reason := "", ""
			if cause == room.Kicked || cause == room.Banned {
				actor, reason = "aaaaaaaa", "noise"
			}
			f.vanish("bbbbbbbb", cause, actor, reason)
			f.want(alice, want)
			f.vanish("bbbbbbbb", cause, actor, reason)
			f.want(alice)
		})
	}
}

func TestNobodyElseTakesOutALocal(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	f.vanish("bbbbbbbb", room.Gone, "", "")
	f.take(f.room.Change(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: 1, Presence: []byte("<a/>")}))
	f.take(f.room.Hear(f.now, room.Utterance{From: "bbbbbbbb", Inner: []byte("<body>x</body>")}))
	f.take(f.room.Directed(f.now, Directed{From: "bbbbbbbb", To: "aaaaaaaa", Name: "message", Type: "chat", Inner: []byte("<body>x</body>")}))
	f.want(alice)
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant")
}

func TestRemoteChanges(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.appear(bob, "<a/>")
	x := Remote{Nick: "bbbbbbbb", JID: bob, Joined: f.room.roster.nicks["bbbbbbbb"].joined, Presence: []byte("<a/>")}
	again := func(change func(*Remote), call func(time.Time, Remote) []Effect) {
		change(&x)
		f.clear()
		f.take(call(f.now, x))
	}
	for _, call := range []func(time.Time, Remote) []Effect{f.room.Appear, f.room.Change} {
		again(func(*Remote) {}, call)
		f.want(alice)
		again(func(x *Remote) { x.Presence = []byte("<b/>") }, call)
		f.want(alice, "presence bbbbbbbb none/participant b")
		again(func(x *Remote) { x.Presence = []byte("<a/>") }, call)
		f.want(alice, "presence bbbbbbbb none/participant a")
	}
	again(func(x *Remote) { x.JID = bob + "9" }, f.room.Appear)
	if item := f.last[alice].Child(nsUser, "x").Child(nsUser, "item"); item.Attr("jid") != bob+"9" {
		t.Errorf("item %s", item.Bytes())
	}
	if f.room.roster.jids[bob] != nil || f.room.roster.jids[bob+"9"] == nil {
		t.Error("the index has the old JID")
	}
	again(func(x *Remote) { x.Joined = 1 }, f.room.Appear)
	f.wantPresent("bbbbbbbb none/participant, aaaaaaaa owner/moderator") // for two seconds
	again(func(x *Remote) { *x = Remote{Nick: "cccccccc", JID: carol} }, f.room.Change)
	if _, ok := f.room.Occupant("cccccccc"); ok {
		t.Error("a change makes somebody appear")
	}
}

func TestOrderIsTheSameEverywhere(t *testing.T) {
	f := newFixture(t)
	at := room.At(f.now)
	for _, jid := range []string{mallo, bob, carol, alice} {
		x := Remote{Nick: nickOf(jid), JID: jid, Joined: at}
		if jid == mallo {
			x.Joined = at - 1
		}
		f.take(f.room.Appear(f.now, x))
	}
	f.wantPresent("dddddddd owner/moderator, aaaaaaaa none/participant, bbbbbbbb none/participant, cccccccc none/participant")
}

func TestRemoteRefused(t *testing.T) {
	for name, x := range map[string]Remote{
		"focus":        {Nick: "focus", JID: "focus@x.test/y"},
		"no endpoint":  {Nick: "mallory", JID: "mallory@x.test/y"},
		"foreign nick": {Nick: "aaaaaaaa", JID: bob},
		"focus' JID":   {Nick: "eeeeeeee", JID: "focus@auth.meet.test/other"},
		"bare JID":     {Nick: "eeeeeeee", JID: "e@x.test"},
		"JID is taken": {Nick: "eeeeeeee", JID: "plain@meet.test/r"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice)
			f.enter("plain@meet.test/r", "ffffffff", "", "")
			before := f.present()
			f.clear()
			f.take(f.room.Appear(f.now, x))
			f.want(alice)
			f.wantPresent(before)
		})
	}
}

func TestRemotesAreBounded(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.Occupants = 3 })
	for i := range 20 {
		f.appear(fmt.Sprintf("%08x-1111-4222-8333-444444444444@meet.test/r", i), "")
	}
	if n := len(f.room.Occupants()); n != 12 {
		t.Errorf("%d occupants", n)
	}
	f.enter(alice, "aaaaaaaa", "", "")
	f.want(alice, "presence aaaaaaaa error service-unavailable")
}

func TestWhoHasTheNickFirst(t *testing.T) {
	const local, remote = "plain@meet.test/r", "other@meet.test/r"
	f := newFixture(t)
	f.join(alice)
	f.enter(local, "eeeeeeee", "", "")
	f.clear()
	f.take(f.room.Appear(f.now, Remote{Nick: "eeeeeeee", JID: remote, Joined: 1, Presence: []byte("<b/>")}))
	f.want(alice)
	f.take(f.room.Evict(f.now, room.Removal{Endpoint: "eeeeeeee", Cause: room.Failed, Reason: "conflict"}))
	f.want(alice, "presence eeeeeeee unavailable none/none (conflict) 333", "presence eeeeeeee none/participant b")
	f.want(local, "presence eeeeeeee unavailable none/none (conflict) 333 110")
	if l := first[Left](f.other); l.Cause != Failed || l.Reason != "conflict" || count[Left](f.other) != 1 {
		t.Errorf("left %+v", f.other)
	}
}

func TestRemotePresenceIsCleaned(t *testing.T) {
	for _, presence := range []string{
		`</presence><iq/>`, `<x`, "\xff", `<x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x>`,
		`<identity><user/></identity>`, fmt.Sprintf("<a>%020000d</a>", 0),
	} {
		f := newFixture(t)
		f.join(alice)
		f.appear(bob, presence)
		f.want(alice, "presence bbbbbbbb none/participant")
	}
}
