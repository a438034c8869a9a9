package muc

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const (
	roomJID  = "demo@conference.meet.test"
	focusJID = "focus@auth.meet.test/focus"

	alice = "aaaaaaaa-1111-4222-8333-444444444444@meet.test/res1"
	bob   = "bbbbbbbb-1111-4222-8333-444444444444@meet.test/res2"
	carol = "cccccccc-1111-4222-8333-444444444444@meet.test/res3"
	mallo = "dddddddd-1111-4222-8333-444444444444@meet.test/res4"
)

// failer is what a test and a rapid property have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func nickOf(jid string) string { return jid[:8] }

// fixture drives a room and keeps what came out of it.
type fixture struct {
	t     failer
	room  *Room
	now   time.Time
	inbox map[string][]string // sketches of what was delivered, by JID
	last  map[string]*stanza.Element
	other []Effect // everything but Deliver
}

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	cfg := Config{JID: roomJID, Focus: focusJID, MeetingID: "meeting-1"}
	for _, c := range change {
		c(&cfg)
	}
	f := &fixture{t: t, room: New(cfg), now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}
	f.clear()
	return f
}

func (f *fixture) clear() {
	f.inbox, f.last, f.other = map[string][]string{}, map[string]*stanza.Element{}, nil
}

// send lets from send a stanza and takes what comes out. It forgets what came out before.
func (f *fixture) send(from, text string, args ...any) {
	f.t.Helper()
	f.clear()
	f.take(f.room.Handle(f.now, from, f.parse(from, fmt.Sprintf(text, args...))))
}

func (f *fixture) parse(from, text string) *stanza.Element {
	f.t.Helper()
	st, err := stanza.Parse([]byte(text), stanza.Limits{Bytes: 1 << 20})
	if err != nil {
		f.t.Fatalf("parse %s: %v", text, err)
	}
	st.Set("from", from)
	return st
}

func (f *fixture) take(effects []Effect) {
	f.t.Helper()
	for _, e := range effects {
		d, ok := e.(Deliver)
		if !ok {
			f.other = append(f.other, e)
			continue
		}
		st := f.check(d)
		f.inbox[d.To] = append(f.inbox[d.To], sketch(st))
		f.last[d.To] = st
	}
}

// check parses a delivered stanza and holds every element with a namespace of its own against trap T1.
func (f *fixture) check(d Deliver) *stanza.Element {
	f.t.Helper()
	st, err := stanza.Parse(d.Stanza, stanza.Limits{Bytes: 1 << 20})
	if err != nil {
		f.t.Fatalf("deliver %s: %v", d.Stanza, err)
	}
	if st.Attr("to") != d.To {
		f.t.Fatalf("delivered to %q, addressed to %s", d.To, d.Stanza)
	}
	dec := xml.NewDecoder(strings.NewReader(string(d.Stanza)))
	for depth := 0; ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return st
		}
		if err != nil {
			f.t.Fatalf("deliver %s: %v", d.Stanza, err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			literal := slices.ContainsFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == "xmlns" && a.Name.Space == "" })
			if !literal && (depth == 0 || e.Name.Space != nsClient) {
				f.t.Fatalf("<%s> has no xmlns of its own in %s", e.Name.Local, d.Stanza)
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

// sketch says what a stanza is in one line.
func sketch(st *stanza.Element) string {
	words := []string{st.Local}
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if from := st.Attr("from"); from == roomJID {
		add("room")
	} else {
		add("%s", resource(from))
	}
	if t := st.Attr("type"); t != "" {
		add("%s", t)
	}
	if id := st.Attr("id"); id != "" {
		add("#%s", id)
	}
	for _, c := range st.Children {
		switch {
		case c.Local == "error":
			add("%s", c.Child(stanza.Errors, "*").Local)
		case c.Space == nsUser:
			for _, u := range c.Children {
				switch u.Local {
				case "item":
					add("%s/%s", u.Attr("affiliation"), u.Attr("role"))
					if a := u.Child(nsUser, "actor"); a != nil {
						add("by %s", a.Attr("nick"))
					}
					if reason := childText(u, nsUser, "reason"); reason != "" {
						add("(%s)", reason)
					}
				case "status":
					add("%s", u.Attr("code"))
				default:
					add("%s", u.Local)
				}
			}
		case c.Space == nsClient && c.Text != "":
			add("%s=%s", c.Local, c.Text)
		case c.Space == nsFocus: // checked where it matters
		default:
			add("%s", c.Local)
		}
	}
	return strings.Join(words, " ")
}

// want compares what one JID received with sketches.
func (f *fixture) want(jid string, sketches ...string) {
	f.t.Helper()
	if diff := cmp.Diff(sketches, f.inbox[jid]); diff != "" {
		f.t.Errorf("%s received (-want +got):\n%s", nickOf(jid), diff)
	}
}

// join lets the JIDs join under their own nicks.
func (f *fixture) join(jids ...string) {
	f.t.Helper()
	for _, jid := range jids {
		f.enter(jid, nickOf(jid), "", "")
		if _, ok := f.room.Occupant(nickOf(jid)); !ok {
			f.t.Fatalf("%s did not get in: %v", jid, f.inbox[jid])
		}
		f.now = f.now.Add(time.Second)
	}
	f.clear()
}

func (f *fixture) enter(jid, nick, password, payload string) {
	f.t.Helper()
	if password != "" {
		password = "<password>" + password + "</password>"
	}
	f.send(jid, `<presence to="%s/%s"><x xmlns="http://jabber.org/protocol/muc">%s</x>%s</presence>`, roomJID, nick, password, payload)
}

func (f *fixture) present() string {
	var nicks []string
	for _, o := range f.room.Occupants() {
		nicks = append(nicks, fmt.Sprintf("%s %s/%s", o.Nick, o.Affiliation, o.Role))
	}
	return strings.Join(nicks, ", ")
}

func (f *fixture) wantPresent(want string) {
	f.t.Helper()
	if got := f.present(); got != want {
		f.t.Errorf("present: %s\nwant:    %s", got, want)
	}
}

func count[E Effect](effects []Effect) (n int) {
	for _, e := range effects {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

// first returns the first effect of a kind, the zero value when there is none.
func first[E Effect](effects []Effect) (found E) {
	for _, e := range effects {
		if e, ok := e.(E); ok {
			return e
		}
	}
	return found
}
