// Package counter holds the packet counters of an SRTP session: which index was sent or received last for every SSRC and
// which of the indices below it are used up.
//
// It is an engine package: pure values, no locks, no clock; whoever uses it brings the lock.
//
// The counters are the only truth about indices. A cryptographic context is told the roll-over counter before each
// packet, because a context can neither export nor import where it stands, and a counter that repeats after a hand-over
// is a repeated nonce (RFC 7714 8.1: SSRC, roll-over counter and sequence number are the nonce).
//
// RTP: the index of a packet is 65536*ROC + sequence number (RFC 3711 3.3.1). The sequence number of a packet stands for
// the index nearest to the highest one; below 32768 nothing has wrapped yet. This is what libsrtp does in the browsers,
// and it must be the same here, bit for bit, in both directions.
//
// RTCP: the index is 31 bits and explicit in the packet.
package counter

// Size is how many RTP indices a [Window] remembers, the highest one included.
const Size = 512

const (
	half     = 1 << 15
	maxIndex = 1<<48 - 1
)

// Window is where one RTP stream stands: the highest index and, as bits, which of the [Size] indices from it downward are
// used: bit i%64 of Seen[i/64] is index Highest-i. The zero Window is a stream that has not begun.
type Window struct {
	Highest uint64
	Seen    [Size / 64]uint64
}

// Resume is a Window that goes on after highest. Without a record of what was seen every index up to highest counts as
// used.
func Resume(highest uint64, seen [Size / 64]uint64) Window {
	w := Window{Highest: highest & maxIndex, Seen: seen}
	if seen == [Size / 64]uint64{} {
		for i := range w.Seen {
			w.Seen[i] = ^uint64(0)
		}
	}
	w.Seen[0] |= 1
	return w
}

// Begun reports whether the stream has had a packet.
func (w *Window) Begun() bool { return w.Seen[0]&1 != 0 }

// Index is the index that a sequence number stands for now. It is above the 48 bits that SRTP has when the stream is
// used up.
func (w *Window) Index(seq uint16) uint64 {
	if !w.Begun() {
		return uint64(seq)
	}
	roc := w.Highest >> 16
	if w.Highest > half {
		switch s, last := int32(seq), int32(uint16(w.Highest)); {
		case last < half && s-last > half:
			roc--
		case last >= half && last-half > s:
			roc++
		}
	}
	return roc<<16 | uint64(seq)
}

// Fresh reports whether index was not used yet and is near enough to be sure of it.
func (w *Window) Fresh(index uint64) bool {
	if index > maxIndex {
		return false
	}
	if !w.Begun() || index > w.Highest {
		return true
	}
	back := w.Highest - index
	return back < Size && w.Seen[back/64]>>(back%64)&1 == 0
}

// Mark makes index used. Marking what is not [Window.Fresh] changes nothing.
func (w *Window) Mark(index uint64) {
	if !w.Fresh(index) {
		return
	}
	switch {
	case !w.Begun():
		*w = Window{Highest: index}
	case index > w.Highest:
		w.shift(index - w.Highest)
		w.Highest = index
	}
	back := w.Highest - index
	w.Seen[back/64] |= 1 << (back % 64)
}

// shift moves every bit n places up, toward older packets.
func (w *Window) shift(n uint64) {
	if n >= Size {
		w.Seen = [Size / 64]uint64{}
		return
	}
	words, bits := int(n/64), n%64
	for i := len(w.Seen) - 1; i >= 0; i-- {
		var v uint64
		if j := i - words; j >= 0 {
			v = w.Seen[j] << bits
			if j > 0 && bits > 0 {
				v |= w.Seen[j-1] >> (64 - bits)
			}
		}
		w.Seen[i] = v
	}
}
