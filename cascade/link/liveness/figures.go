package liveness

import (
	"math"
	"time"
)

// gap is how far apart the heartbeats of a peer that sends fast arrive. The zero value is that of a perfect peer.
type gap struct {
	mean, deviation time.Duration
}

const (
	shortest = 80 * time.Millisecond
	longest  = 250 * time.Millisecond
)

func (g *gap) add(d time.Duration) {
	if g.mean == 0 {
		g.mean = fast
	}
	off := min(d, longest) - g.mean
	g.mean += off / 8
	g.deviation += (off.Abs() - g.deviation) / 4
}

func (g *gap) limit() time.Duration {
	return min(max(g.mean+6*g.deviation, shortest), longest)
}

// round is the round trip to a peer.
type round struct {
	smoothed time.Duration
	lows     [6]time.Duration // the least of two seconds each
	slot     int64            // of the newest
}

const slotLength = 2 * time.Second

func (r *round) add(now time.Time, d time.Duration) {
	if d < 0 || d > keptRound {
		return
	}
	d = max(d, time.Microsecond) // 0 is unknown
	if r.smoothed == 0 {
		r.smoothed = d
	}
	r.smoothed += (d - r.smoothed) / 8
	r.turn(now)
	if low := &r.lows[r.slot%int64(len(r.lows))]; *low == 0 || d < *low {
		*low = d
	}
}

// turn forgets the slots that are over.
func (r *round) turn(now time.Time) {
	slot := now.UnixNano() / int64(slotLength)
	if slot-r.slot >= int64(len(r.lows)) || slot < r.slot {
		r.lows = [6]time.Duration{}
		r.slot = slot
	}
	for r.slot < slot {
		r.slot++
		r.lows[r.slot%int64(len(r.lows))] = 0
	}
}

func (r *round) least(now time.Time) time.Duration {
	r.turn(now)
	var least time.Duration
	for _, low := range r.lows {
		if low != 0 && (least == 0 || low < least) {
			least = low
		}
	}
	return least
}

// loss is the share of our heartbeats that a peer does not hear.
type loss struct {
	share             float64
	highest, received uint32
	based             bool
}

// report takes what the peer says: the highest sequence that it heard, and how many.
func (l *loss) report(highest, received uint32, alive, fastPace bool) {
	sent, heard := highest-l.highest, received-l.received
	if !l.based || !alive || sent > 1<<16 {
		l.highest, l.received, l.based = highest, received, true
		return
	}
	if sent == 0 {
		return
	}
	l.highest, l.received = highest, received
	over := 64.0
	if fastPace {
		over = 256
	}
	keep := math.Pow(1-1/over, float64(sent))
	l.share = l.share*keep + (1-keep)*(1-min(float64(heard)/float64(sent), 1))
}

func (l *loss) rebase() { l.based = false }
