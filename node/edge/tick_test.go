package edge

import (
	"sync/atomic"
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

// ticked is a Receiver that counts its ticks, and sees how many are owed at once.
type ticked struct {
	forwarder
	edge  *Edge
	times atomic.Int64
	most  int // the reader's
}

func (r *ticked) Tick(time.Time) {
	r.most = max(r.most, len(r.edge.ticking.legs))
	r.times.Add(1)
}

// The reader gives every leg its tick before the next interval's.
func TestTheReaderOwesOneTickALeg(t *testing.T) {
	e := listen(t)
	const legs = 3 * ticksAtOnce
	var all []*ticked
	for range legs {
		r := &ticked{edge: e}
		rigged(t, e, r)
		all = append(all, r)
	}
	for i, r := range all {
		eventually(t, "five ticks each", func() bool { return r.times.Load() >= 5 })
		if i == len(all)-1 {
			e.Close()
		}
	}
	for _, r := range all {
		if r.most > legs {
			t.Fatalf("%d ticks are owed to %d legs", r.most, legs)
		}
	}
}
