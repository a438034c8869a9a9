package sfu

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/allocate"
)

// JoinRelay adds a node that pulls sources from here, which is sent packets through out. One with the same name leaves
// first; what follows from that is returned by the next call.
func (r *Room) JoinRelay(now time.Time, node string, out RelayEgress) *Relay {
	if r.relays[node] != nil {
		r.pending = r.LeaveRelay(now, node)
		r.untold = true
	}
	y := &Relay{node: node, set: r.set, out: out, pulls: map[room.SourceName]*pull{}}
	r.relays[node] = y
	r.nodes = append(r.nodes, y)
	return y
}

// LeaveRelay ends everything that a node pulls.
func (r *Room) LeaveRelay(now time.Time, node string) []Effect {
	y := r.relays[node]
	if y == nil {
		return r.take(now, nil)
	}
	for _, p := range y.pulls {
		r.detach(p)
	}
	delete(r.relays, node)
	r.nodes = slices.DeleteFunc(r.nodes, func(o *Relay) bool { return o == y })
	fx := r.merge(nil, now)
	r.publish()
	return r.take(now, fx)
}

// Pull says that a node wants a source in the height given, or no more when it is not above 0; of audio any height will
// do. A source that is not there yet is sent when it appears.
func (r *Room) Pull(now time.Time, node string, name room.SourceName, height int) []Effect {
	y := r.relays[node]
	if y == nil {
		return r.take(now, nil)
	}
	p := y.pulls[name]
	var fresh *source
	switch {
	case height <= 0 && p == nil:
		return r.take(now, nil)
	case height <= 0:
		r.detach(p)
		y.remove(name)
	case p == nil:
		if _, err := room.ParseSourceName(string(name)); err != nil || !y.add(name) {
			return r.take(now, nil)
		}
		p = y.pulls[name]
		if s := r.sources[name]; s != nil {
			r.attach(p, s)
			fresh = s
		}
	}
	p.height = min(max(height, 0), allocate.Unlimited)
	fx := r.merge(nil, now)
	r.publish()
	if fresh != nil && fresh.kind == room.Video && y.out != nil {
		fresh.requestKeyframe(now, now, true)
	}
	return r.take(now, fx)
}

// add makes a pull and reports whether there is room for it.
func (y *Relay) add(name room.SourceName) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.pulls) == mostPulls {
		y.counters.Full++
		return false
	}
	y.pulls[name] = &pull{relay: y, name: name, refreshes: mostRefresh}
	return true
}

func (y *Relay) remove(name room.SourceName) {
	y.mu.Lock()
	defer y.mu.Unlock()
	delete(y.pulls, name)
}

// attach lets a pull have what it is about.
func (r *Room) attach(p *pull, s *source) {
	p.mu.Lock()
	p.source, p.hops = s, make([]hop, len(s.layers))
	p.mu.Unlock()
	s.pulls = append(s.pulls, p)
	s.published = false
	if p.relay.out == nil {
		s.expect(1)
	}
	r.touch(s)
}

// detach ends that.
func (r *Room) detach(p *pull) {
	p.mu.Lock()
	s := p.source
	p.source, p.hops = nil, nil
	p.mu.Unlock()
	if s != nil {
		s.pulls = slices.DeleteFunc(s.pulls, func(o *pull) bool { return o == p })
		s.published = false
		if p.relay.out == nil {
			s.expect(-1)
		}
		r.touch(s)
	}
}

// attachAll gives a new source to the pulls that wait for it.
func (r *Room) attachAll(s *source) {
	for _, y := range r.nodes {
		if p := y.pulls[s.name]; p != nil {
			r.attach(p, s)
		}
	}
}
