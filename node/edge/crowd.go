package edge

import (
	"sync/atomic"
	"time"
)

const (
	// crowdSize is how many legs that wait for their client are a crowd.
	crowdSize = 3
	// comingTime is how long a client is taken to be on its way: who has not come after that does not come.
	comingTime = 5 * time.Second
	// crowdStays is how long a crowd is taken to be there after it was seen: there is work for who came, too.
	crowdStays = time.Second
)

// crowd tells when many join at once. Its functions are the reader's.
//
// The runtime looks at what it polls when a processor has nothing else to run, else every 10 ms. While many join, all of them have, and
// a reader that waits for the runtime is late by as much. One that waits in the kernel is awake at once, and next in the queue that
// each processor looks into every few goroutines. Without a crowd that is dearer: the runtime's monitor takes the processor away from
// who waits so and looks out for that every 20 us, so that a packet to 50 costs 40 % more.
type crowd struct {
	coming int // legs seen in this round
	seen   time.Time
	here   atomic.Bool
}

// count looks at a leg, at most once a round.
func (c *crowd) count(l *Leg, now time.Time) {
	if !l.open.Load() && now.Sub(l.born) < comingTime {
		c.coming++
	}
}

// judge ends a round.
func (c *crowd) judge(now time.Time) {
	if c.coming >= crowdSize {
		c.seen = now
	}
	c.coming = 0
	if here := now.Sub(c.seen) < crowdStays; here != c.here.Load() {
		c.here.Store(here)
	}
}

// Crowded says that many join at once.
func (e *Edge) Crowded() bool { return e.crowd.here.Load() }
