package counter

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"unsafe"

	"github.com/atoll-mesh/atoll/node/prefetch"
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

// near is how many streams stand together.
const near = 4

// RTP is the RTP counters of one direction of a session. The streams that come first, which are the busy ones, stand in it;
// it must not be copied.
type RTP struct {
	ssrcs   [near]uint32
	count   int // in use of ssrcs and windows
	windows [near]Window
	more    map[uint32]*Window
	limit   int
}

// NewRTP returns counters for at most limit SSRCs.
func NewRTP(limit int) *RTP { return &RTP{limit: limit} }

// Warm says that packets will be counted in a moment.
func (t *RTP) Warm() { prefetch.Lines(unsafe.Pointer(t), linesOfRTP) }

const linesOfRTP = int(unsafe.Sizeof(RTP{})+63) / 64

// find returns where a stream stands, nil when it is not known.
func (t *RTP) find(ssrc uint32) *Window {
	for i := range t.count {
		if t.ssrcs[i] == ssrc {
			return &t.windows[i]
		}
	}
	return t.more[ssrc]
}

func (t *RTP) size() int { return t.count + len(t.more) }

// add makes room for a stream that is not known.
func (t *RTP) add(ssrc uint32) *Window {
	if t.count < near {
		t.count++
		t.ssrcs[t.count-1] = ssrc
		return &t.windows[t.count-1]
	}
	if t.more == nil {
		t.more = make(map[uint32]*Window)
	}
	w := &Window{}
	t.more[ssrc] = w
	return w
}

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
	w := t.find(ssrc)
	if w == nil {
		if t.size() >= t.limit {
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
		if p.window = t.find(p.SSRC); p.window == nil {
			p.window = t.add(p.SSRC)
		}
	}
	p.window.Mark(p.Index)
}

// Restore sets where a stream stands, as it was exported elsewhere.
func (t *RTP) Restore(ssrc uint32, w Window) error {
	to := t.find(ssrc)
	if to == nil {
		if t.size() >= t.limit {
			return fmt.Errorf("restore the RTP counter of ssrc %d: %w", ssrc, ErrFull)
		}
		to = t.add(ssrc)
	}
	*to = w
	return nil
}

// All yields where every stream stands, by rising SSRC.
func (t *RTP) All() iter.Seq2[uint32, Window] {
	return func(yield func(uint32, Window) bool) {
		all := append(slices.Collect(maps.Keys(t.more)), t.ssrcs[:t.count]...)
		slices.Sort(all)
		for _, ssrc := range all {
			if !yield(ssrc, *t.find(ssrc)) {
				return
			}
		}
	}
}
