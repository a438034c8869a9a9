package edge

import (
	"testing"
	"time"
)

// However many legs there are and however long the packets between take, every leg has its tick within an interval, a few at a time
// while that is enough.
func TestEveryLegHasItsTickWithinAnInterval(t *testing.T) {
	e := &Edge{legs: make(map[*Leg]struct{})}
	for range 100 * ticksAtOnce {
		e.legs[&Leg{edge: e, phase: ended}] = struct{}{}
	}
	begin := time.Now()
	e.tick(begin)
	if n := e.ticking.next; n != ticksAtOnce {
		t.Errorf("%d at first, want %d", n, ticksAtOnce)
	}
	e.tickSome(begin.Add(tickInterval / 2))
	if n := e.ticking.next; n != len(e.legs)/2 {
		t.Errorf("%d after half of the time, want %d", n, len(e.legs)/2)
	}
	e.tickSome(begin.Add(tickInterval))
	if n := len(e.ticking.legs); n != 0 {
		t.Errorf("%d are left", n-e.ticking.next)
	}
}
