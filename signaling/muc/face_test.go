package muc

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// burst lets jid enter, or enter again, and returns what it gets to see of each of the others.
func (f *fixture) burst(jid string) map[string]string {
	f.t.Helper()
	seen := map[string]string{}
	enter := fmt.Sprintf(`<presence to="%s/%s"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, roomJID, nickOf(jid))
	for _, e := range f.room.Handle(f.now, jid, f.parse(jid, enter)) {
		d, ok := e.(Deliver)
		if !ok || d.To != jid {
			continue
		}
		st := f.check(d)
		nick := resource(st.Attr("from"))
		if x := st.Child(nsUser, "x"); x != nil && nick != FocusNick && nick != nickOf(jid) {
			item := x.Child(nsUser, "item")
			_, payload, _ := strings.Cut(string(d.Stanza), "</x>")
			seen[nick] = fmt.Sprint(item.Attr("affiliation"), "/", item.Attr("role"), " ", item.Attr("jid"), " ", strings.TrimSuffix(payload, "</presence>"))
		}
	}
	return seen
}

// Who enters sees everybody as they are now, whatever who entered before was shown.
func TestWhoEntersSeesWhatIsNow(t *testing.T) {
	const (
		bobsDouble = "bbbbbbbb-2222-4222-8333-444444444444@meet.test/res5" // with the same nick
		far        = mallo
	)
	remote := func(f *fixture, jid, presence string) Remote {
		return Remote{Nick: nickOf(jid), JID: jid, Joined: f.room.roster.nicks[nickOf(jid)].joined, Presence: []byte(presence)}
	}
	for name, c := range map[string]struct {
		change    func(f *fixture)
		who, want string
	}{
		"presence": {func(f *fixture) {
			f.send(bob, `<presence to="%s/bbbbbbbb"><b/></presence>`, roomJID)
		}, bob, "none/participant " + bob + " <b/>"},
		"empty presence": {func(f *fixture) {
			f.send(bob, `<presence to="%s/bbbbbbbb"/>`, roomJID)
		}, bob, "none/participant " + bob + " "},
		"role": {func(f *fixture) {
			f.admin(alice, `<item nick="bbbbbbbb" role="moderator"/>`)
		}, bob, "none/moderator " + bob + " <a/>"},
		"affiliation": {func(f *fixture) {
			f.admin(alice, `<item nick="bbbbbbbb" affiliation="member"/>`)
		}, bob, "member/participant " + bob + " <a/>"},
		"automatic owner": {func(f *fixture) {
			f.take(f.room.Remove(f.now, alice, ByItself))
		}, bob, "owner/moderator " + bob + " <a/>"},
		"another with the nick": {func(f *fixture) {
			f.take(f.room.Remove(f.now, bob, ByItself))
			f.join(bobsDouble)
		}, bobsDouble, "none/participant " + bobsDouble + " "},
		"moved here": {func(f *fixture) {
			value, _ := f.room.Export(bob)
			f.take(f.room.Remove(f.now, bob, Moved))
			f.take(f.room.Admit(f.now, bob+"9", value))
		}, bob, "none/participant " + bob + "9 <a/>"},
		"presence elsewhere": {func(f *fixture) {
			f.take(f.room.Change(f.now, remote(f, far, "<b/>")))
		}, far, "none/participant " + far + " <b/>"},
		"JID elsewhere": {func(f *fixture) {
			x := remote(f, far, "<a/>")
			x.JID += "9"
			f.take(f.room.Appear(f.now, x))
		}, far, "none/participant " + far + "9 <a/>"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.join(alice, bob)
			f.send(bob, `<presence to="%s/bbbbbbbb"><a/></presence>`, roomJID)
			f.appear(far, "<a/>")
			before := f.burst(carol)
			f.now = f.now.Add(time.Second)
			c.change(f)
			now := f.burst(carol)
			if got := now[nickOf(c.who)]; got != c.want {
				t.Errorf("it is seen as\n%s, want\n%s", got, c.want)
			}
			for _, o := range f.room.Occupants() {
				if want := fmt.Sprint(o.Affiliation, "/", o.Role, " ", o.JID, " ", string(o.Presence)); o.JID != carol && now[o.Nick] != want {
					t.Errorf("%s is seen as\n%s, and is\n%s", o.Nick, now[o.Nick], want)
				}
			}
			if third := f.burst(carol); !maps.Equal(third, now) || maps.Equal(before, now) {
				t.Errorf("before %v\nthen   %v\nagain  %v", before, now, third)
			}
		})
	}
}

// Nothing has changed for whoever enters next.
func TestAPresenceIsKeptReady(t *testing.T) {
	f := newFixture(t)
	f.join(alice, bob)
	o := f.room.roster.nicks[nickOf(bob)]
	first := f.room.face(o)
	f.join(carol)
	f.send(alice, `<presence to="%s/aaaaaaaa"><b/></presence>`, roomJID)
	if second := f.room.face(o); &first[0] != &second[0] {
		t.Error("it was made anew")
	}
}
