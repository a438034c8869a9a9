package conference

import (
	"fmt"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// hold stops the loop of a room, which it makes when there is none, until the function that it returns is called.
func (r *rig) hold(jid string) (release func()) {
	gate := make(chan struct{})
	if err := r.rooms.post(jid, true, func(*Conference, time.Time) { <-gate }); err != nil {
		r.t.Fatal(err)
	}
	return func() { close(gate) }
}

// TestVanishedBeforeTheJoinWasSeen: the stream ends while its join still waits for the loop. Nobody stays behind.
func TestVanishedBeforeTheJoinWasSeen(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		release := r.hold(testRoom)
		b.say(`<presence to="` + testRoom + `/` + string(b.id) + `" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
		r.router.Closed(b, false)
		release()
		wait(time.Second)
		if c := r.rooms.Counts(); c.Participants != 1 || a.unavailable(b) != 1 {
			t.Errorf("%d participants, seen leaving %d times", c.Participants, a.unavailable(b))
		}
	})
}

// TestRoomsPerStreamAtOnce: joins that come faster than the rooms answer do not get around the bound.
func TestRoomsPerStreamAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a := r.client()
		var releases []func()
		for i := range 3 * roomsPerSession {
			room := fmt.Sprintf("r%d@conference.example.org", i)
			releases = append(releases, r.hold(room))
			a.say(`<presence to="` + room + `/` + string(a.id) + `" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
		}
		for _, release := range releases {
			release()
		}
		wait(time.Second)
		refused := a.count(func(st *stanza.Element) bool { return st.Local == "presence" && st.Attr("type") == "error" })
		if c := r.rooms.Counts(); c.Rooms != roomsPerSession || refused != 2*roomsPerSession {
			t.Errorf("%d rooms, %d joins refused", c.Rooms, refused)
		}
	})
}

// TestEndsAreNeverLost: a mailbox that is full of what clients said still takes the end of a stream and of a leg.
func TestEndsAreNeverLost(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b, d := r.client(), r.client(), r.client()
		a.join()
		b.join()
		d.join()
		offers := d.jingles("session-initiate")
		release := r.hold(testRoom)
		for r.rooms.post(testRoom, false, func(*Conference, time.Time) {}) == nil {
		}
		r.leg(d).to.Closed(errNoPorts)
		r.router.Closed(b, false)
		release()
		wait(time.Second)
		if n := a.unavailable(b); n != 1 {
			t.Errorf("seen leaving %d times", n)
		}
		if n := d.jingles("session-initiate") - offers; n != 1 {
			t.Errorf("a dead leg was replaced %d times", n)
		}
	})
}

// TestRestartsArePaced: every restart is answered, but a client that asks for one after the other does not keep the room
// busy.
func TestRestartsArePaced(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		b.join()
		restart := func() {
			a.mu.Lock()
			sid := a.sids[len(a.sids)-1]
			a.mu.Unlock()
			a.say(`<iq type="set" id="t" to="` + testFocus + `" xmlns="jabber:client"><jingle action="session-terminate" sid="` + sid +
				`" xmlns="urn:xmpp:jingle:1"><reason><success/></reason><bridge-session restart="true" xmlns="http://jitsi.org/protocol/focus"/></jingle></iq>`)
			wait(0)
		}
		for range 100 {
			restart()
		}
		if n := a.jingles("session-initiate"); n != invitesAtOnce {
			t.Errorf("at once: %d offers", n)
		}
		wait(inviteEvery)
		if n := a.jingles("session-initiate"); n != invitesAtOnce+1 {
			t.Errorf("after %v: %d offers", inviteEvery, n)
		}
		restart()
		wait(invitesAtOnce * inviteEvery)
		if n := a.jingles("session-initiate"); n != invitesAtOnce+2 {
			t.Errorf("in the end: %d offers", n)
		}
		for range invitesAtOnce - 1 { // the pace is forgotten
			restart()
		}
		if n := a.jingles("session-initiate"); n < 2*invitesAtOnce {
			t.Errorf("after a rest: %d offers", n)
		}
	})
}

// TestNobodyJoinsWhenClosing: a client that comes back while the node stops does not keep it.
func TestNobodyJoinsWhenClosing(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a := r.client()
		a.join()
		release := r.hold(testRoom)
		closed := make(chan error, 1)
		go func() { closed <- r.rooms.Close(t.Context()) }()
		wait(0)
		a.say(`<presence to="` + testRoom + `/` + string(a.id) + `" type="unavailable" xmlns="jabber:client"/>`)
		a.say(`<presence to="` + testRoom + `/` + string(a.id) + `" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
		release()
		wait(time.Second)
		select {
		case err := <-closed:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("the rooms do not close")
			r.router.Closed(a, false)
		}
	})
}

// TestGoneWithoutAccepting: a leg that was never used is no media.
func TestGoneWithoutAccepting(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		b.deaf = true
		a.join()
		b.join()
		r.router.Suspended(b)
		wait(silence + time.Second)
		if n := a.unavailable(b); n != 1 {
			t.Errorf("seen leaving %d times", n)
		}
	})
}
