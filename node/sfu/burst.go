package sfu

import (
	"sync"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// mostKept bounds what waits for the rest of its frame.
const mostKept = 64

// burst is the packets of a frame that is not whole yet. Who gets one packet of it soon gets the next: receiver by receiver
// costs less than packet by packet, since what is known of a receiver is seldom in a cache.
//
// Its lock is taken before any other and nowhere else.
type burst struct {
	mu    sync.Mutex
	kept  []inbound
	alone [1]inbound // one that waits for nothing
	out   [][]byte   // what goes to one receiver
}

// copies are where packets wait.
var copies = sync.Pool{New: func() any { return new([2048]byte) }}

// whole reports whether nothing of the frame of in is to come.
func (in *inbound) whole() bool {
	return !in.live || in.header.Marker || in.header.Empty() || in.origin.layer.source.kind != room.Video
}

// add sends what was kept and in when the frame is whole, or keeps in, of which the bytes are copied. It reports whether
// something is kept.
func (q *burst) add(in *inbound) (more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.kept) > 0 && in.to != q.kept[0].to && in.origin.layer.source == q.kept[0].origin.layer.source {
		q.flush() // its receivers are others now: what they get of the rest comes after
	}
	switch {
	case len(q.kept) == 0 && in.whole(), len(q.kept) > 0 && in.to != q.kept[0].to:
		// Another source's must not wait, nor the frame be sent before it is whole.
		q.single(in)
	case !in.whole() && len(in.bytes) <= 2048 && len(q.kept) < mostKept-1:
		in.copy = copies.Get().(*[2048]byte)
		in.bytes = in.copy[:copy(in.copy[:], in.bytes)]
		q.kept = append(q.kept, *in)
	default:
		q.kept = append(q.kept, *in)
		q.flush()
	}
	return len(q.kept) > 0
}

// waits reports whether something is kept.
func (q *burst) waits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.kept) > 0
}

// pass sends in at once.
func (q *burst) pass(in *inbound) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.single(in)
}

func (q *burst) single(in *inbound) {
	q.alone[0] = *in
	q.deliver(q.alone[:])
	q.alone[0] = inbound{}
}

// flush sends what was kept.
func (q *burst) flush() {
	q.deliver(q.kept)
	for i := range q.kept {
		if c := q.kept[i].copy; c != nil {
			copies.Put(c)
		}
	}
	clear(q.kept)
	q.kept = q.kept[:0]
}

// deliver sends packets that go the same way.
func (q *burst) deliver(packets []inbound) {
	if len(packets) == 0 {
		return
	}
	t := packets[0].to
	for from := 0; from < len(t.targets); from += warmAtOnce {
		some := t.targets[from:min(from+warmAtOnce, len(t.targets))]
		for i := range some {
			some[i].warm()
		}
		q.fan(packets, some)
	}
	for _, p := range t.pulls {
		for i := range packets {
			p.forward(&packets[i])
		}
	}
}

// warmAtOnce is how many receivers' memory is fetched before packets go to them: about 128 KB.
const warmAtOnce = 64

// fan sends packets to some receivers.
func (q *burst) fan(packets []inbound, to []target) {
	for i := range to {
		q.out = to[i].down.forward(to[i].slot, packets, q.out[:0])
	}
}
