package muc

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// header gives the room the fields, key and value in turn.
func (f *fixture) header(fields ...string) {
	f.t.Helper()
	values := map[string]string{}
	for i := 0; i < len(fields); i += 2 {
		values[fields[i]] = fields[i+1]
	}
	f.clear()
	f.take(f.room.SetHeader(f.now, values))
	if again := f.room.SetHeader(f.now, maps.Clone(values)); len(again) != 0 {
		f.t.Errorf("the same header again: %+v", again)
	}
}

func TestSettingsFromElsewhere(t *testing.T) {
	for field, value := range map[string]string{room.FieldPassword: "p", room.FieldMembersOnly: "1", room.FieldOpenSubject: "1"} {
		f := newFixture(t)
		f.join(alice)
		f.appear(bob, "")
		f.header(field, value)
		f.want(alice, "message room groupchat 104")
		f.want(bob)
		f.header()
		f.want(alice, "message room groupchat 104")
	}
	f := newFixture(t)
	f.header(room.FieldPassword, "secret")
	f.enter(bob, "bbbbbbbb", "", "")
	f.want(bob, "presence bbbbbbbb error not-authorized")
	f.enter(bob, "bbbbbbbb", "secret", "")
	f.wantPresent("bbbbbbbb owner/moderator")
}

func TestSubjectFromElsewhere(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.appear(bob, "")
	f.header(room.FieldSubject, fmt.Sprintf("bbbbbbbb %d two words", room.At(f.now)))
	f.want(alice, "message bbbbbbbb groupchat subject=two words")
	f.enter(carol, "cccccccc", "", "")
	if got := f.inbox[carol][4]; got != "message bbbbbbbb groupchat subject=two words delay" {
		t.Errorf("joiner got %s", got)
	}
	f.header(room.FieldSubject, "99999999 1 gone")
	f.want(alice, "message room groupchat subject=gone")
	for _, broken := range []string{"no subject", "bbbbbbbb x y", "bbbbbbbb 1"} {
		f.header(room.FieldSubject, broken)
		f.header()
	}
	f.want(alice)
}

func TestRightsFromElsewhere(t *testing.T) {
	f := newFixture(t)
	f.join(alice, carol)
	f.appear(bob, "")
	f.header(room.FieldModerator+"bbbbbbbb", "1", room.FieldAffiliation+bareJID(carol), "member")
	f.want(alice, "presence cccccccc member/participant", "presence bbbbbbbb none/moderator")
	f.want(carol, "presence cccccccc member/participant 110", "presence bbbbbbbb none/moderator")
	if count[RoleChanged](f.other) != 2 || len(f.other) != 2 {
		t.Errorf("effects %+v", f.other)
	}
	f.header(room.FieldAffiliation+bareJID(bob), "owner", "unknown", "x", room.FieldAffiliation+"x@y", "emperor")
	f.want(alice, "presence aaaaaaaa none/participant 110", "presence cccccccc none/participant", "presence bbbbbbbb owner/moderator")
}

func TestKickFromElsewhere(t *testing.T) {
	f := newFixture(t)
	f.join(alice, carol)
	f.appear(bob, "")
	at := uint64(room.At(f.now))
	kicks := []string{room.FieldKick + "cccccccc", fmt.Sprintf("%d bbbbbbbb so it is", at), room.FieldKick + "bbbbbbbb", fmt.Sprintf("%d  ", at)}
	f.header(kicks...)
	f.want(alice, "presence cccccccc unavailable none/none by bbbbbbbb (so it is) 307", "presence bbbbbbbb unavailable none/none 307")
	f.want(carol, "presence cccccccc unavailable none/none by bbbbbbbb (so it is) 307 110")
	if l := first[Left](f.other); l.Cause != Kicked || l.Actor != "bbbbbbbb" || l.Reason != "so it is" || count[Left](f.other) != 1 {
		t.Errorf("effects %+v", f.other)
	}
	// What its own node says of an occupancy that is over does not bring it back.
	f.take(f.room.Appear(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: room.Time(at), Presence: []byte("<a/>")}))
	f.vanish("bbbbbbbb", room.Kicked, "", "")
	f.want(alice)
	// Who comes back is not who was kicked, even when it comes by a node whose clock is behind.
	f.now = f.now.Add(-time.Hour)
	f.enter(carol, "cccccccc", "", "")
	f.take(f.room.Appear(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: room.Time(at + 1)}))
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant, cccccccc none/participant")
	f.header(append(kicks, room.FieldPassword, "x")...)
	f.wantPresent("aaaaaaaa owner/moderator, bbbbbbbb none/participant, cccccccc none/participant")
}

func TestBanFromElsewhere(t *testing.T) {
	f := newFixture(t)
	f.join(alice, carol)
	f.appear(bob, "")
	f.header(room.FieldAffiliation+bareJID(carol), "outcast", room.FieldAffiliation+bareJID(bob), "outcast")
	f.want(alice, "presence cccccccc unavailable outcast/none 301", "presence bbbbbbbb unavailable outcast/none 301")
	f.want(carol, "presence cccccccc unavailable outcast/none 301 110")
	f.take(f.room.Change(f.now, Remote{Nick: "bbbbbbbb", JID: bob, Joined: 1, Presence: []byte("<late/>")}))
	f.wantPresent("aaaaaaaa owner/moderator")
	// Its node never heard of the ban: it is there still.
	f.header()
	f.want(alice, "presence bbbbbbbb none/participant late")
	f.vanish("bbbbbbbb", room.ByItself, "", "")
	f.header(room.FieldAffiliation+bareJID(bob), "outcast")
	f.want(alice)
}

// TestBanTakenBack has its node hear of the ban and of its end at once.
func TestBanTakenBack(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.appear(bob, "")
	f.admin(alice, `<item jid="%s" affiliation="outcast"/>`, bareJID(bob))
	f.want(alice, "presence bbbbbbbb unavailable outcast/none by aaaaaaaa 301", "iq room result #adm")
	f.admin(alice, `<item jid="%s" affiliation="none"/>`, bareJID(bob))
	f.want(alice, "presence bbbbbbbb none/participant", "iq room result #adm")
}

func TestHiddenUntilGone(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	f.appear(bob, "")
	f.header(room.FieldAffiliation+bareJID(bob), "outcast")
	f.vanish("bbbbbbbb", room.Banned, "", "")
	f.header()
	f.want(alice)
	f.wantPresent("aaaaaaaa owner/moderator")
}

func TestMeetingFromElsewhere(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	for _, want := range []string{"meeting-2", "meeting-1"} {
		f.send(alice, `<iq to="%s" type="get" id="d"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`, roomJID)
		f.header(room.FieldMeeting, "meeting-2")
		f.want(alice)
		if want == "meeting-1" {
			f.header()
		}
		f.send(alice, `<iq to="%s" type="get" id="d"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`, roomJID)
		if got := submitted(f.last[alice].Child(nsDiscoInfo, "query").Child(nsData, "x"))["muc#roominfo_meetingId"]; got != want {
			t.Errorf("meeting %s, want %s", got, want)
		}
	}
}

// TestWritesAreTheState lets an owner change everything; what was written is what the room knows.
func TestWritesAreTheState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New(Config{JID: roomJID, Focus: focusJID})
		f := &fixture{t: t, room: r, now: time.Unix(1_700_000_000, 0)}
		f.join(alice, bob)
		f.appear(carol, "")
		values := map[string]string{}
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			nick := nickOf(rapid.SampledFrom([]string{alice, bob, carol, mallo}).Draw(t, "who"))
			word := rapid.SampledFrom([]string{"", "x", "a b  c", " "}).Draw(t, "word")
			flip := rapid.SampledFrom([]string{"0", "1"}).Draw(t, "flip")
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				f.admin(alice, `<item nick="%s" role="%s"><reason>%s</reason></item>`, nick, rapid.SampledFrom([]string{"none", "moderator", "participant"}).Draw(t, "role"), word)
			case 1:
				f.admin(alice, `<item jid="%s@x" affiliation="%s"/>`, nick, rapid.SampledFrom([]string{"none", "owner", "outcast"}).Draw(t, "affiliation"))
			case 2:
				f.configure(alice, fieldSecret, word, fieldMembersOnly, flip)
			case 3:
				f.configure(alice, fieldSubject, flip)
			case 4:
				f.send(alice, `<message to="%s" type="groupchat"><subject>%s</subject></message>`, roomJID, word)
			}
			if len(r.roster.here) == 0 {
				return
			}
			for _, w := range first[Write](f.other).Fields {
				values[w.Key] = w.Value
				if w.Value == "" {
					delete(values, w.Key)
				}
			}
			before := r.header
			if effects := r.SetHeader(f.now, values); len(effects) > 0 {
				t.Fatalf("%v brings %+v", values, effects)
			}
			if diff := cmp.Diff(before, r.header, cmp.AllowUnexported(header{}, subject{})); diff != "" {
				t.Fatalf("the header after its writes (-before +after):\n%s", diff)
			}
		}
	})
}

func TestKicksAreBounded(t *testing.T) {
	f := newFixture(t)
	f.join(alice)
	for i := range 2 * maxKicks {
		jid := fmt.Sprintf("%08x-1111-4222-8333-444444444444@meet.test/r", i)
		f.appear(jid, "")
		f.admin(alice, `<item nick="%s" role="none"><reason>%s</reason></item>`, nickOf(jid), strings.Repeat("x", 1000))
	}
	if n := len(f.room.header.kicks); n != maxKicks {
		t.Errorf("%d kicks", n)
	}
	if w := first[Write](f.other).Fields; len(w) != 2 || w[1].Key != room.FieldKick+fmt.Sprintf("%08x", maxKicks-1) || w[1].Value != "" {
		t.Errorf("writes %.100v", w)
	}
}
