package conference

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func TestRoomsPerStream(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a := r.client()
		for i := range roomsPerSession + 1 {
			a.say(fmt.Sprintf(`<presence to="r%d@conference.example.org/%s" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, i, a.id))
			wait(0)
		}
		refused := a.count(func(st *stanza.Element) bool { return st.Local == "presence" && st.Attr("type") == "error" })
		if c := r.rooms.Counts(); c.Rooms != roomsPerSession || refused != 1 {
			t.Errorf("%d rooms, %d joins refused", c.Rooms, refused)
		}
		r.router.Closed(a, true)
		wait(time.Second)
		if c := r.rooms.Counts(); c != (Counts{}) {
			t.Errorf("after it left: %+v", c)
		}
	})
}

// TestRefusedJoinLeavesNothing: a join that the room refuses does not keep the room.
func TestRefusedJoinLeavesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a := r.client()
		a.say(`<presence to="` + testRoom + `/focus" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
		wait(time.Second)
		refused := a.count(func(st *stanza.Element) bool { return st.Attr("type") == "error" })
		if c := r.rooms.Counts(); c.Rooms != 0 || refused != 1 {
			t.Errorf("%+v, %d refusals", c, refused)
		}
	})
}

func TestEveryRequestIsAnswered(t *testing.T) {
	for to, condition := range map[string]string{
		"nobody@conference.example.org":   "item-not-found",
		"nobody@conference.example.org/x": "item-not-found",
		"somebody@elsewhere.example":      "service-unavailable",
		"a@b@c":                           "jid-malformed",
		"example.org":                     "service-unavailable",
		"focus.example.org":               "",
	} {
		inBubble(t, func(t *testing.T, r *rig) {
			a := r.client()
			a.say(`<iq type="get" id="q" to="` + to + `" xmlns="jabber:client"><query xmlns="urn:example:unknown"/></iq>`)
			wait(time.Second)
			n := a.count(func(st *stanza.Element) bool {
				e := st.Child("*", "error")
				return st.Attr("id") == "q" && e != nil && (condition == "" || e.Child("*", condition) != nil)
			})
			if n != 1 {
				t.Errorf("to %s: %d answers with %q, got %v", to, n, condition, a.got)
			}
		})
	}
}

func TestReports(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		b.join()
		reports := r.rooms.Reports(context.Background())
		if len(reports) != 1 || reports[0].Room != testRoom || len(reports[0].Participants) != 2 || len(reports[0].Sources) != 4 {
			t.Errorf("reports: %+v", reports)
		}
	})
}

// TestChannelPassword: a channel is for who has the password of a session that is open.
func TestChannelPassword(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		b.join()
		var id, pwd string
		for conf, c := range r.rooms.byID {
			id, pwd = conf, c.doors.pwd[a.id]
		}
		for _, try := range []struct {
			conf, endpoint, pwd string
			want                bool
		}{
			{id, string(a.id), pwd, true},
			{id, string(b.id), pwd, false},
			{id, string(a.id), "", false},
			{id, string(room.EndpointID("ffffffff")), "", false},
			{"other", string(a.id), pwd, false},
		} {
			if _, ok := r.rooms.Lookup(try.conf, try.endpoint, try.pwd); ok != try.want {
				t.Errorf("Lookup(%v) = %v", try, ok)
			}
		}
		r.router.Closed(a, true)
		wait(time.Second)
		if _, ok := r.rooms.Lookup(id, string(a.id), pwd); ok {
			t.Error("the door of somebody who left is open")
		}
	})
}

// A node that stops does not go through what waits in front of a room first, and tells nobody that the others left.
func TestClosingIsAheadOfWhatWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b, late := r.client(), r.client(), r.client()
		a.join()
		b.join()
		wait(time.Second)
		busy := make(chan struct{})
		c := r.rooms.rooms[testRoom]
		c.mail.add(func(*Conference, time.Time) { <-busy })
		wait(time.Millisecond)
		var between int
		c.mail.add(func(c *Conference, _ time.Time) { between = len(c.byJID) })
		late.say(`<presence to="` + testRoom + `/` + string(late.id) + `" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
		closed := make(chan error, 1)
		go func() { closed <- r.rooms.Close(t.Context()) }()
		wait(time.Millisecond)
		close(busy)
		wait(time.Second)
		select {
		case err := <-closed:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Fatal("the rooms do not close")
		}
		if between != 0 {
			t.Errorf("%d were in the room when the next letter was read", between)
		}
		if a.unavailable(b)+b.unavailable(a) != 0 || a.unavailable(a) != 1 || b.unavailable(b) != 1 {
			t.Errorf("told of the other: %d, %d; of the own leaving: %d, %d", a.unavailable(b), b.unavailable(a), a.unavailable(a), b.unavailable(b))
		}
		if n := r.openLegs(); n != 0 {
			t.Errorf("%d legs are open", n)
		}
	})
}
