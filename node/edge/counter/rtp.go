package counter

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Why a packet is refused.
var (
	// ErrUsed says that the index was used before, or is too old to know.
	ErrUsed = errors.New("packet index was used before")
	// ErrFull says that there are as many SSRCs as the limit allows.
	ErrFull = errors.New("too many synchronization sources")
	// ErrExhausted says that the index space of an SSRC is used up: the keys must not be used any longer for it.
	ErrExhausted = errors.New("packet indices are exhausted")
)

// RTP is the RTP counters of one direction of a session.
type RTP struct {
	streams map[uint32]*Window
	limit   int
}

// NewRTP returns counters for at most limit SSRCs.
func NewRTP(limit int) *RTP { return &RTP{streams: make(map[uint32]*Window), limit: limit} }

// Packet is the place of one packet in its stream, between [RTP.Check] and [RTP.Accept].
type Packet struct {
	SSRC  uint32
	Index uint64

	window *Window
}

// ROC is the roll-over counter of the packet.
func (p Packet) ROC() uint32 { return uint32(p.Index >> 16) }

// Known reports whether the stream had a packet before.
func (p Packet) Known() bool { return p.window != nil }

// Check finds the index of a packet and says whether it may be used. It changes nothing: a packet that is not
// authenticated must leave no trace.
func (t *RTP) Check(ssrc uint32, seq uint16) (Packet, error) {
	w := t.streams[ssrc]
	if w == nil {
		if len(t.streams) >= t.limit {
			return Packet{}, ErrFull
		}
		return Packet{SSRC: ssrc, Index: uint64(seq)}, nil
	}
	index := w.Index(seq)
	if index > maxIndex {
		return Packet{}, ErrExhausted
	}
	if !w.Fresh(index) {
		return Packet{}, ErrUsed
	}
	return Packet{SSRC: ssrc, Index: index, window: w}, nil
}

// Accept makes the index of a checked packet used.
func (t *RTP) Accept(p Packet) {
	if p.window == nil {
		p.window = t.streams[p.SSRC]
		if p.window == nil {
			p.window = &Window{}
			t.streams[p.SSRC] = p.window
		}
	}
	p.window.Mark(p.Index)
}

// Restore sets where a stream stands, as it was exported elsewhere.
func (t *RTP) Restore(ssrc uint32, w Window) error {
	if _, ok := t.streams[ssrc]; !ok && len(t.streams) >= t.limit {
		return fmt.Errorf("restore the RTP counter of ssrc %d: %w", ssrc, ErrFull)
	}
	t.streams[ssrc] = &w
	return nil
}

// All yields where every stream stands, by rising SSRC.
func (t *RTP) All() iter.Seq2[uint32, Window] {
	return func(yield func(uint32, Window) bool) {
		for _, ssrc := range slices.Sorted(maps.Keys(t.streams)) {
			if !yield(ssrc, *t.streams[ssrc]) {
				return
			}
		}
	}
}
