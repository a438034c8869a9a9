package counter

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

const maxRTCP = 1<<31 - 1

// SentRTCP is the SRTCP indices of one direction as their sender keeps them: one index per sender SSRC.
type SentRTCP struct {
	next  map[uint32]uint32
	limit int
}

// NewSentRTCP returns counters for at most limit sender SSRCs.
func NewSentRTCP(limit int) *SentRTCP { return &SentRTCP{next: make(map[uint32]uint32), limit: limit} }

// Next uses up one index of a sender SSRC and returns it. The first is 1.
func (t *SentRTCP) Next(ssrc uint32) (uint32, error) {
	index, ok := t.next[ssrc]
	if !ok {
		if len(t.next) >= t.limit {
			return 0, ErrFull
		}
		index = 1
	}
	if index > maxRTCP {
		return 0, ErrExhausted
	}
	t.next[ssrc] = index + 1
	return index, nil
}

// Restore sets the index that a sender SSRC uses next.
func (t *SentRTCP) Restore(ssrc, next uint32) error {
	if _, ok := t.next[ssrc]; !ok && len(t.next) >= t.limit {
		return fmt.Errorf("restore the SRTCP index of ssrc %d: %w", ssrc, ErrFull)
	}
	t.next[ssrc] = max(next, 1)
	return nil
}

// All yields the next index of every sender SSRC, by rising SSRC.
func (t *SentRTCP) All() iter.Seq2[uint32, uint32] {
	return func(yield func(uint32, uint32) bool) {
		for _, ssrc := range slices.Sorted(maps.Keys(t.next)) {
			if !yield(ssrc, t.next[ssrc]) {
				return
			}
		}
	}
}

// RTCPWindow is what was received from one sender SSRC: bit i of Seen is index Highest-i.
type RTCPWindow struct {
	Highest uint32
	Seen    uint64
}

// ReceivedRTCP is the SRTCP replay windows of one direction, one per sender SSRC.
type ReceivedRTCP struct {
	streams map[uint32]*RTCPWindow
	limit   int
}

// NewReceivedRTCP returns windows for at most limit sender SSRCs.
func NewReceivedRTCP(limit int) *ReceivedRTCP {
	return &ReceivedRTCP{streams: make(map[uint32]*RTCPWindow), limit: limit}
}

// Check says whether a packet with this index may be taken. It changes nothing.
func (t *ReceivedRTCP) Check(ssrc, index uint32) error {
	if index > maxRTCP {
		return ErrExhausted
	}
	w := t.streams[ssrc]
	switch {
	case w == nil:
		if len(t.streams) >= t.limit {
			return ErrFull
		}
	case index <= w.Highest:
		if back := w.Highest - index; back >= 64 || w.Seen>>back&1 != 0 {
			return ErrUsed
		}
	}
	return nil
}

// Accept makes index used. Accepting what [ReceivedRTCP.Check] refuses changes nothing.
func (t *ReceivedRTCP) Accept(ssrc, index uint32) {
	if t.Check(ssrc, index) != nil {
		return
	}
	w := t.streams[ssrc]
	if w == nil {
		t.streams[ssrc] = &RTCPWindow{Highest: index, Seen: 1}
		return
	}
	if index > w.Highest {
		w.Seen <<= index - w.Highest
		w.Highest = index
	}
	w.Seen |= 1 << (w.Highest - index)
}

// Restore sets where a sender SSRC stands. An empty window means that everything up to the highest index was seen.
func (t *ReceivedRTCP) Restore(ssrc uint32, w RTCPWindow) error {
	if _, ok := t.streams[ssrc]; !ok && len(t.streams) >= t.limit {
		return fmt.Errorf("restore the SRTCP window of ssrc %d: %w", ssrc, ErrFull)
	}
	if w.Seen == 0 {
		w.Seen = ^uint64(0)
	}
	w.Seen |= 1
	w.Highest &= maxRTCP
	t.streams[ssrc] = &w
	return nil
}

// All yields the window of every sender SSRC, by rising SSRC.
func (t *ReceivedRTCP) All() iter.Seq2[uint32, RTCPWindow] {
	return func(yield func(uint32, RTCPWindow) bool) {
		for _, ssrc := range slices.Sorted(maps.Keys(t.streams)) {
			if !yield(ssrc, *t.streams[ssrc]) {
				return
			}
		}
	}
}
