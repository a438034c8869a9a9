// Package cache keeps the last packets of one published layer, so that every receiver's losses are answered from one
// copy.
//
// A [Ring] holds packets by their own sequence number, as they came. It is two circles: an index by sequence number and
// one run of bytes into which packets are written one behind the other, so that small packets cost little. Both begin
// small (about 3 KB together) and double while they hold less than the last second, up to the limits; memory of a layer
// that never sends is never taken. Beyond the limits the oldest packets are overwritten. In steady state nothing is
// allocated.
//
// A Ring is an engine: the caller keeps Put and Get apart.
package cache

import "time"

const (
	firstPackets = 32
	firstBytes   = 2 << 10
	horizon      = time.Second
)

// Limits bound a ring. Both are rounded up to powers of two.
type Limits struct {
	Packets int // at most 32768
	Bytes   int
}

// Video fits a second of 720p.
var Video = Limits{Packets: 512, Bytes: 512 << 10}

type entry struct {
	at     uint64 // where the packet begins, counted over all rounds
	note   uint64
	length uint16
	seq    uint16
}

// Ring is the cache of one layer. Use [New].
type Ring struct {
	limits  Limits
	index   []entry
	bytes   []byte
	written uint64 // bytes ever written, with what was left free at the end of a round

	// What came in the running second.
	since          time.Time
	packets, octet int
}

// New returns an empty ring. It takes no memory before the first Put.
func New(l Limits) *Ring {
	return &Ring{limits: Limits{power(min(l.Packets, 1<<15)), power(l.Bytes)}}
}

func power(n int) int {
	p := 1
	for p < n {
		p <<= 1
	}
	return p
}

// Put keeps a copy of packet and a note about it under seq, in place of what had that number. Packets longer than the ring
// and empty ones are not kept.
func (r *Ring) Put(seq uint16, packet []byte, note uint64, now time.Time) {
	if len(packet) == 0 || len(packet) > r.limits.Bytes || len(packet) > 1<<16-1 {
		return
	}
	if now.Sub(r.since) >= horizon || now.Before(r.since) {
		r.since, r.packets, r.octet = now, 0, 0
	}
	r.packets++
	r.octet += len(packet)
	if n := r.wanted(len(r.index), firstPackets, r.packets, r.limits.Packets); n != len(r.index) {
		r.growIndex(n)
	}
	if n := r.wanted(len(r.bytes), firstBytes, r.octet, r.limits.Bytes); n != len(r.bytes) {
		r.growBytes(n)
	}
	size := uint64(len(r.bytes))
	if free := size - r.written%size; free < uint64(len(packet)) {
		r.written += free
	}
	copy(r.bytes[r.written%size:], packet)
	r.index[int(seq)&(len(r.index)-1)] = entry{r.written, note, uint16(len(packet)), seq}
	r.written += uint64(len(packet))
}

// wanted returns the size that holds need, from have up, in powers of two from first to limit.
func (r *Ring) wanted(have, first, need, limit int) int {
	n := max(have, min(first, limit))
	for n < need && n < limit {
		n <<= 1
	}
	return n
}

// Get returns the packet that was put under seq with its note, and false when it is not there any more. The bytes are
// valid until the next Put.
func (r *Ring) Get(seq uint16) (packet []byte, note uint64, ok bool) {
	if len(r.index) == 0 {
		return nil, 0, false
	}
	e := &r.index[int(seq)&(len(r.index)-1)]
	if e.length == 0 || e.seq != seq || !r.holds(e) {
		return nil, 0, false
	}
	at := e.at % uint64(len(r.bytes))
	return r.bytes[at : at+uint64(e.length)], e.note, true
}

// holds reports whether e is not overwritten.
func (r *Ring) holds(e *entry) bool { return r.written <= e.at+uint64(len(r.bytes)) }

func (r *Ring) growIndex(n int) {
	old := r.index
	r.index = make([]entry, n)
	for _, e := range old {
		if e.length != 0 {
			r.index[int(e.seq)&(n-1)] = e
		}
	}
}

func (r *Ring) growBytes(n int) {
	old := *r
	r.bytes, r.written = make([]byte, n), 0
	for i := range r.index {
		e := &r.index[i]
		if e.length == 0 {
			continue
		}
		if !old.holds(e) {
			*e = entry{}
			continue
		}
		at := e.at % uint64(len(old.bytes))
		// What was held fits: the new run is at least twice the old one, and what is left free at its end is less.
		copy(r.bytes[r.written:], old.bytes[at:at+uint64(e.length)])
		e.at = r.written
		r.written += uint64(e.length)
	}
}

// Reset forgets every packet and gives the memory back.
func (r *Ring) Reset() { *r = Ring{limits: r.limits} }

// Size returns how many bytes the ring takes.
func (r *Ring) Size() int { return len(r.bytes) + 24*len(r.index) }
