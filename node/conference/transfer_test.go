package conference

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// TestLegIsAliveWhileItOpens: what an imported leg delivers before its Open has returned has somewhere to go.
func TestLegIsAliveWhileItOpens(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b, other := r.client(), r.client(), r.client()
		for _, c := range []*client{a, b, other} {
			c.join()
		}
		released, err := r.rooms.Release(t.Context(), testRoom, []room.EndpointID{a.id})
		if err != nil {
			t.Fatal(err)
		}
		arrival := Arrival{Participant: released[0].Participant, Session: a, Open: func(to LegReceiver) (Leg, error) {
			now := time.Now()
			to.RTP([]byte{0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0}, now)
			for range 100 {
				now = now.Add(20 * time.Millisecond)
				to.Tick(now)
			}
			return nil, errNoPorts
		}}
		if err := r.rooms.Adopt(t.Context(), testRoom, []Arrival{arrival}); !errors.Is(err, errNoPorts) {
			t.Errorf("a leg that cannot be opened: %v", err)
		}
		fails := arrival.Open
		arrival.Open = func(to LegReceiver) (Leg, error) {
			_, _ = fails(to)
			l := &fakeLeg{to: to}
			r.mu.Lock()
			r.legs = append(r.legs, l)
			r.mu.Unlock()
			return l, nil
		}
		if err := r.rooms.Adopt(t.Context(), testRoom, []Arrival{arrival}); err != nil {
			t.Error(err)
		}
		if c := r.rooms.Counts(); c.Participants != 3 {
			t.Errorf("%d participants", c.Participants)
		}
	})
}

// TestReleaseCalledOff: who was not released in time stays.
func TestReleaseCalledOff(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		b.stays = true
		a.join()
		b.join()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.rooms.Release(ctx, testRoom, []room.EndpointID{a.id, b.id}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("release: %v", err)
		}
		r.router.Suspended(b)
		wait(time.Second)
		if c := r.rooms.Counts(); c.Participants != 2 {
			t.Errorf("%d participants are left", c.Participants)
		}
	})
}
