package conference

import (
	"testing"
	"testing/synctest"

	"github.com/atoll-mesh/atoll/node/session"
)

// TestSnapshot: everybody whose client could come back is in it, with media when there is media, and nobody notices.
func TestSnapshot(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b, c := r.client(), r.client(), r.client()
		a.join()
		got := make(map[string]*session.Participant)
		take := func() {
			clear(got)
			r.rooms.Snapshot(func(p *session.Participant) { got[p.Stream.JID] = p })
			synctest.Wait()
		}
		if take(); len(got) != 1 || got[a.jid].Media.Profile != 0 || got[a.jid].Occupancy.Nick != string(a.id) {
			t.Errorf("one alone: %+v", got)
		}
		b.join()
		c.stays = true // its stream has no resumption
		c.join()
		if take(); len(got) != 2 || got[a.jid].Media.Profile == 0 || got[b.jid].Room != testRoom || got[b.jid].Epoch != 1 || !got[b.jid].Jingle.Active {
			t.Errorf("three: %+v", got)
		}
		if len(r.rooms.Where(a.jid)) != 1 || len(r.rooms.Where("nobody")) != 0 {
			t.Error("who is inside")
		}
		if n := a.unavailable(b) + b.unavailable(a); n != 0 {
			t.Errorf("%d departures", n)
		}
	})
}

// TestMoveWithoutMedia: who is alone in a room moves like anybody, and is invited where it went as soon as it has company and its socket.
func TestMoveWithoutMedia(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		other := newRig(t, "other", nil)
		defer func() { _ = other.rooms.Close(t.Context()) }()
		a, b := r.client(), other.client()
		a.join()
		released, err := r.rooms.Hand(t.Context(), testRoom, a.id, "other")
		if err != nil || released.Leg != nil {
			t.Fatalf("release: %v", err)
		}
		b.join()
		a.rig = other
		if err := other.rooms.Adopt(t.Context(), testRoom, []Arrival{{Participant: released.Participant, Session: a}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := a.jingles("session-initiate"); n != 0 {
			t.Errorf("invited %d times without a socket", n)
		}
		other.router.Resumed(a)
		synctest.Wait()
		if n := a.jingles("session-initiate"); n != 1 {
			t.Errorf("invited %d times", n)
		}
		if n := b.jingles("session-initiate"); n != 1 {
			t.Errorf("its company was invited %d times", n)
		}
	})
}
