package liveness

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

var (
	start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	addrA = netip.MustParseAddrPort("10.0.0.1:7947")
	addrB = netip.MustParseAddrPort("10.0.0.2:7947")
)

const nameA, nameB = identity.Name("aaaaaaaaaa"), identity.Name("bbbbbbbbbb")

// end is one of two nodes that watch each other.
type end struct {
	w      *Watch
	addr   netip.AddrPort
	deaf   bool // nothing arrives
	lose   func(b Beat) bool
	delay  time.Duration // of what arrives
	sent   int
	events []event
}

// event is a change of state, and when.
type event struct {
	After time.Duration
	State State
}

// flight is a heartbeat under way.
type flight struct {
	at time.Time
	to *end
	b  Beat
}

// pair is two nodes and what is between them, in a time of its own.
type pair struct {
	t     *testing.T
	now   time.Time
	a, b  *end
	fly   []flight
	clock Clock
}

func newPair(t *testing.T, fastA, fastB bool) *pair {
	p := &pair{t: t, now: start, clock: NewClock(start)}
	p.a = &end{w: NewWatch(start, p.clock, nameA, nameB, 1), addr: addrA, delay: 40 * time.Millisecond}
	p.b = &end{w: NewWatch(start, p.clock, nameB, nameA, 2), addr: addrB, delay: 40 * time.Millisecond}
	p.a.w.Want(start, fastA, false, []netip.AddrPort{addrB})
	p.b.w.Want(start, fastB, false, []netip.AddrPort{addrA})
	return p
}

// run lets so much time pass.
func (p *pair) run(d time.Duration) {
	p.t.Helper()
	until := p.now.Add(d)
	for steps := 0; ; steps++ {
		if steps > 1e6 {
			p.t.Fatal("time stands still")
		}
		next := until
		for _, e := range []*end{p.a, p.b} {
			if at := e.w.Next(); at.Before(next) {
				next = at
			}
		}
		if len(p.fly) > 0 && p.fly[0].at.Before(next) {
			next = p.fly[0].at
		}
		if next.After(p.now) {
			p.now = next
		}
		if !p.now.Before(until) {
			return
		}
		for len(p.fly) > 0 && !p.fly[0].at.After(p.now) {
			f := p.fly[0]
			p.fly = p.fly[1:]
			if !f.to.deaf {
				f.to.w.Receive(p.now, p.other(f.to).addr, &f.b)
			}
		}
		for _, e := range []*end{p.a, p.b} {
			p.step(e)
		}
	}
}

func (p *pair) other(e *end) *end {
	if e == p.a {
		return p.b
	}
	return p.a
}

func (p *pair) step(e *end) {
	e.w.Tick(p.now, 0)
	if s, changed := e.w.State(); changed {
		e.events = append(e.events, event{p.now.Sub(start), s})
	}
	if !e.w.Due(p.now) {
		return
	}
	b := e.w.Send(p.now)
	e.sent++
	if e.lose != nil && e.lose(b) {
		return
	}
	to := p.other(e)
	p.fly = append(p.fly, flight{p.now.Add(to.delay), to, b})
	slices.SortStableFunc(p.fly, func(a, b flight) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
}
