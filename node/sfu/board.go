package sfu

import (
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/allocate"
	"github.com/atoll-mesh/atoll/node/sfu/rewrite"
)

// mostSlots is the greatest number of slots of a kind.
const mostSlots = 50

// board is the slots of one kind of a receiver in rewriting mode: who is where, and the SSRCs of the places.
type board struct {
	places allocate.Slots
	slots  []*slot
	dirty  bool // the map changed in a way that the places do not show
}

// slot returns the slot that holds the source, nil when it has none.
func (b *board) slot(name room.SourceName) *slot {
	if i, ok := b.places.Index(name); ok {
		return b.slots[i]
	}
	return nil
}

// newSlot makes a slot of a kind and tells the packet side.
func (p *Participant) newSlot(k room.Kind) *slot {
	s := &slot{down: &p.down, kind: k, ssrc: p.newSSRC(), rtxSeq: p.set.firstSeq()}
	if k == room.Video {
		s.rtx = p.newSSRC()
	}
	s.stream = rewrite.New[origin](clockRate(k), p.set.firstSeq())
	p.down.add(s)
	return s
}

// slot returns the slot that holds a source.
func (p *Participant) slot(name room.SourceName) *slot {
	if p.plain {
		return p.fixed[name]
	}
	return p.board(name.Kind()).slot(name)
}

func (p *Participant) board(k room.Kind) *board {
	if k == room.Audio {
		return &p.audio
	}
	return &p.video
}

// mapped describes the slots of a board that hold a source.
func (r *Room) mapped(b *board) []Mapping {
	list := []Mapping{}
	for i, s := range b.slots {
		name := b.places.Source(i)
		if name == "" {
			continue
		}
		m := Mapping{Source: name, Owner: name.Endpoint(), SSRC: s.ssrc, RTX: s.rtx}
		if src := r.sources[name]; src != nil && s.kind == room.Video {
			m.VideoType = src.desc.VideoType
		}
		list = append(list, m)
	}
	return list
}

// mapEffect tells p what its slots of a kind hold.
func (r *Room) mapEffect(p *Participant, k room.Kind) Effect {
	if k == room.Audio {
		return AudioMap{p.id, r.mapped(&p.audio)}
	}
	return VideoMap{p.id, r.mapped(&p.video)}
}
