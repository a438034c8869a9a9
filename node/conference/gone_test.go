package conference

import (
	"testing"
	"time"
)

// TestGone: socket and media silent for 30 s, the participant is gone. Media alone keeps it, the socket alone too.
func TestGone(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b, c := r.client(), r.client(), r.client()
		a.join()
		b.join()
		c.join()
		r.router.Suspended(b)
		wait(silence + time.Second)
		if n := a.unavailable(b); n != 0 {
			t.Fatalf("media alive: seen leaving %d times", n)
		}
		r.leg(b).to.Closed(errNoPorts) // the edge says so after 30 s of silence
		wait(time.Second)
		if n := a.unavailable(b); n != 1 || b.ended != "closed " {
			t.Errorf("both silent: seen leaving %d times, stream %q", n, b.ended)
		}
	})
}

// TestBackInTime: who resumes before is still there, and is invited again when its leg died meanwhile.
func TestBackInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		b.join()
		r.router.Suspended(b)
		wait(10 * time.Second)
		r.leg(b).to.Closed(errNoPorts)
		wait(10 * time.Second)
		if n := b.jingles("session-initiate"); n != 1 {
			t.Errorf("while away: %d offers", n)
		}
		r.router.Resumed(b)
		wait(time.Minute)
		if a.unavailable(b) != 0 || b.jingles("session-initiate") != 2 {
			t.Errorf("back: seen leaving %d times, %d offers", a.unavailable(b), b.jingles("session-initiate"))
		}
	})
}

// TestClosed: a stream that is over takes its occupant along, and the last one the room.
func TestClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		b.join()
		r.router.Closed(b, true)
		wait(time.Second)
		if n := a.unavailable(b); n != 1 {
			t.Errorf("seen leaving %d times", n)
		}
		r.router.Closed(a, false)
		wait(time.Second)
		if c := r.rooms.Counts(); c != (Counts{}) || r.openLegs() != 0 {
			t.Errorf("after the last: %+v, %d legs", c, r.openLegs())
		}
	})
}
