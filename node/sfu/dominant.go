package sfu

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

const (
	mostRecent = 10 // previous dominant speakers that are told
	voiced     = 60 // a level from which on somebody is taken to speak
)

// SetDominant says who the dominant speaker is, and who was before, latest first: from now on that counts, and what this
// node hears is only a [Guess]. With an empty id the node's own guess counts again.
func (r *Room) SetDominant(now time.Time, id room.EndpointID, previous []room.EndpointID) []Effect {
	r.word = id
	if id == "" {
		if id = r.guess; id == "" || id == r.dominant {
			return r.take(now, nil)
		}
		previous = r.before(id)
	}
	previous = slices.Clone(previous[:min(len(previous), mostRecent)])
	for _, e := range append(previous, id) {
		if p := r.participants[e]; p != nil {
			for _, s := range p.sources {
				s.voice = later(s.voice, now)
			}
		}
	}
	if id == r.dominant && slices.Equal(previous, r.recent) {
		return r.take(now, nil)
	}
	return r.take(now, r.enthrone(now, id, previous))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// before returns who was dominant before when id becomes it.
func (r *Room) before(id room.EndpointID) []room.EndpointID {
	var list []room.EndpointID
	if r.dominant != "" {
		list = append(list, r.dominant)
	}
	for _, e := range r.recent {
		if e != id && e != r.dominant {
			list = append(list, e)
		}
	}
	return list[:min(len(list), mostRecent)]
}

// enthrone makes id the dominant speaker.
func (r *Room) enthrone(now time.Time, id room.EndpointID, previous []room.EndpointID) []Effect {
	changed := id != r.dominant
	if p := r.participants[r.dominant]; p != nil && changed {
		p.dominant.Store(false)
	}
	r.dominant, r.recent = id, previous
	fx := []Effect{Dominant{id, slices.Clone(previous)}}
	if !changed {
		return fx
	}
	if p := r.participants[id]; p != nil {
		p.dominated = now
		p.dominant.Store(true)
	}
	return append(fx, r.settle(now, nil)...)
}

// listen feeds the levels that came since the last tick to the detector and tells when the dominant speaker changes.
func (r *Room) listen(now time.Time) []Effect {
	r.levels = r.levels[:0]
	woken := false
	for _, p := range r.list {
		u := &p.up
		u.mu.Lock()
		for _, l := range u.levels {
			r.levels = append(r.levels, heard{l, p})
			if s := u.voice; s != nil && l.level >= voiced {
				woken = woken || now.Sub(s.voice) > time.Second
				s.voice = l.at
			}
		}
		u.levels = u.levels[:0]
		u.mu.Unlock()
	}
	slices.SortStableFunc(r.levels, func(a, b heard) int { return a.at.Compare(b.at) })
	for _, l := range r.levels {
		r.detector.Level(l.p.id, l.level.level, l.at)
	}
	r.detector.Tick(now)
	var fx []Effect
	id, ok := r.detector.Dominant()
	if ok && id != r.guess {
		r.guess = id
		fx = append(fx, Guess{id})
	}
	if ok && r.word == "" && id != r.dominant {
		return append(fx, r.enthrone(now, id, r.before(id))...)
	}
	if woken && len(r.talkers) > mostSlots {
		return append(fx, r.settle(now, nil)...)
	}
	return fx
}
