package sfu

import (
	"time"

	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// overtaken is how long the beginning of an encoding that the origin switched to may come later than what follows it.
const overtaken = 40 * time.Millisecond

// extend keeps the extended sequence number of l, which is that of a participant of this node, in step with stats: by
// step, or from a new cycle when the stream begins.
func (l *layer) extend(goesOn bool, step uint16, now time.Time) {
	if goesOn {
		l.extended += uint64(step)
		return
	}
	// By the clock, so that a sender's numbers never go back, also when all that was known of it is forgotten: no stream
	// runs through a cycle in a second.
	cycle := uint32(now.Unix())
	if least := uint32(l.extended>>16) + 2; l.extended != 0 && after(least, cycle) {
		cycle = least
	}
	l.extended = uint64(cycle&0xffffff)<<16 | uint64(l.stats.Highest())
}

// after reports whether the cycle a is later than b.
func after(a, b uint32) bool { return int32((a-b)<<8) > 0 }

// overtake puts l, which the source switches to, into a later cycle than every other encoding: so the nodes behind know
// which of two key frames is of the encoding that counts, in whatever order they come.
func (s *source) overtake(l *layer) {
	for _, o := range s.layers {
		cycle := uint32(o.extended>>16) + 1
		if o != l && o.stats.Started() && after(cycle, uint32(l.extended>>16)) {
			l.extended = uint64(cycle&0xffffff)<<16 | l.extended&0xffff
		}
	}
}

// mark returns what the nodes behind are told of the packet seq of l.
func (l *layer) mark(seq uint16, key bool, d *packet.Descriptor) packet.Mark {
	if key {
		l.top = 0
	}
	l.top = max(l.top, d.TID)
	d.Discardable = d.Discardable && (l.codec != VP9 || d.TID == l.top)
	return packet.NewMark(uint8(l.index)).WithCycle(cycleOf(l.extended, seq)).WithPicture(key, d)
}

// cycleOf returns the cycle of seq, which is near to the extended sequence number e.
func cycleOf(e uint64, seq uint16) uint32 {
	return uint32((e + uint64(int64(int16(seq-uint16(e))))) >> 16)
}

// follow switches a Remote's source to l, whose key frame begins with a packet that has the mark m and the number seq, when
// the origin did. Without a mark only what is not late counts.
func (s *source) follow(l *layer, m packet.Mark, seq uint16, now time.Time) {
	if l.index == s.current {
		return
	}
	if s.current != none {
		if m.Present() && !after(m.Cycle(), s.layers[s.current].stats.Cycle()) {
			return
		}
		if !m.Present() && seq != l.stats.Highest() {
			return
		}
	}
	s.change(l.index, now)
	s.target, s.since = l.index, now
}

// notice takes note that a packet of l with the mark m came for a Remote's source: the origin may have gone over to l with
// a key frame that did not come.
func (s *source) notice(l *layer, m packet.Mark, now time.Time) {
	if !m.Present() || l.index == s.current || l.index == s.target {
		return
	}
	if s.current == none || after(m.Cycle(), s.layers[s.current].stats.Cycle()) {
		s.target, s.since = l.index, now
	}
}

// trail chooses the encoding that a Remote's source should be at: the one that comes.
func (s *source) trail(now time.Time) {
	if s.target != none && s.target != s.current && s.layers[s.target].active(now) {
		return
	}
	t := s.current
	if t == none || now.Sub(s.layers[t].last) > silent {
		for i, l := range s.layers {
			if !l.last.IsZero() && now.Sub(l.last) <= alive {
				t = i
			}
		}
	}
	if t != s.target {
		s.target, s.since = t, now
	}
}
