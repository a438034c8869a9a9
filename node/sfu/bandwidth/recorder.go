// Package bandwidth measures for congestion control. Today that is one thing: [Recorder] notes when packets of one
// sender arrived and writes the transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1) from
// which the sender estimates what its uplink carries.
//
// # Feedback
//
// A feedback packet covers the transport-wide sequence numbers from the first not reported yet to the highest received;
// those that did not come are reported as lost. A packet that comes after it was reported as lost is reported in the
// next feedback, with all after it once more: senders know what they have seen. The last 1024 numbers are remembered, a
// feedback packet covers at most 400. Times are in steps of 250 us from a reference time in steps of 64 ms.
//
// # Moving
//
// [Recorder.State] and [Resume] carry the next number to report and the count of feedback packets to another node. The
// reference time must jump by more than 3 s then: senders take a small step (measured: 10 ms) for queueing delay and cut
// their rate by seven; after a large one they start their filter anew. Every [Resume] adds 10 s.
//
// A Recorder is an engine: no clocks, no locks, and no allocation once its memory is there.
package bandwidth

import (
	"encoding/binary"
	"time"
)

const (
	jump   = 10 * time.Second // of the reference time, at every move
	kept   = 1024
	again  = 128                   // a packet this late is reported although it was reported as lost
	most   = 400                   // packets in one feedback packet: it stays below 1000 bytes
	tick   = 250                   // us
	base   = 64_000                // us
	never  = int64(-1 << 63)       // not received
	report = 50 * time.Millisecond // between feedback packets
	urgent = 128                   // packets not reported that are reported at once
)

// State is what must go on at another node.
type State struct {
	// Next is the transport-wide sequence number that the next feedback begins with, 0 for the first that comes: what was sent
	// meanwhile went to nobody.
	Next  uint16
	Count uint8  // number of the next feedback packet
	Moves uint16 // how often this was handed on
}

// Recorder notes arrivals of one sender. Use [New] or [Resume].
type Recorder struct {
	ssrc     uint32 // who sends the feedback
	moves    uint16
	started  bool
	next     int64 // first unwrapped sequence number not reported
	end      int64 // one above the highest received
	waiting  int   // received and not reported
	count    uint8
	last     time.Time // of the last feedback
	arrivals []int64   // us, by unwrapped number modulo kept
	work     *work     // nil like arrivals until a packet comes: who only watches sends none
}

// work is where a feedback packet is put together.
type work struct {
	symbols [most]uint8
	deltas  [most]int16
}

// New returns a recorder whose feedback comes from ssrc.
func New(ssrc uint32) *Recorder { return &Recorder{ssrc: ssrc} }

// Resume returns a recorder that goes on with st at another node: its reference times jump.
func Resume(ssrc uint32, st State) *Recorder {
	r := New(ssrc)
	r.moves, r.count = st.Moves+1, st.Count
	if st.Next != 0 {
		r.start(st.Next)
	}
	return r
}

// State returns what must go on at another node. The second result is false when nothing was recorded.
func (r *Recorder) State() (State, bool) {
	return State{Next: uint16(r.next), Count: r.count, Moves: r.moves}, r.started
}

func (r *Recorder) start(seq uint16) {
	r.started = true
	r.next = 1<<16 + int64(seq)
	r.end = r.next
	r.waiting = 0
	if r.arrivals == nil {
		r.arrivals, r.work = make([]int64, kept), new(work)
	}
	for i := range r.arrivals {
		r.arrivals[i] = never
	}
}

// Record notes that the packet with the transport-wide sequence number seq arrived at the time at.
func (r *Recorder) Record(seq uint16, at time.Time) {
	if !r.started {
		r.start(seq)
	}
	n := r.end + int64(int16(seq-uint16(r.end)))
	switch {
	case n-r.end >= kept:
		r.start(seq) // nothing of what was is worth reporting
		n = r.end
	case r.end-n > kept:
		return
	}
	for ; r.end <= n; r.end++ {
		r.arrivals[r.end%kept] = never
	}
	r.next = max(r.next, r.end-kept)
	if n < r.next-again {
		return
	}
	slot := &r.arrivals[n%kept]
	if *slot != never {
		return
	}
	*slot = at.Add(time.Duration(r.moves) * jump).UnixMicro()
	r.waiting++
	r.next = min(r.next, n)
}

// Waiting reports whether packets came that were not reported yet.
func (r *Recorder) Waiting() bool { return r.waiting > 0 }

// Due reports whether feedback should be sent now: 50 ms after the last, or when much is waiting.
func (r *Recorder) Due(now time.Time) bool {
	return r.waiting > 0 && (r.waiting >= urgent || now.Sub(r.last) >= report || now.Before(r.last))
}

// Append appends to dst one feedback packet about what was not reported, and returns dst unchanged when there is nothing.
// media is an SSRC of the sender: senders take feedback only about their own. When more is left, [Recorder.Due] goes on
// to report true.
func (r *Recorder) Append(dst []byte, media uint32, now time.Time) []byte {
	if r.waiting == 0 {
		return dst
	}
	first := r.next
	for r.arrivals[first%kept] == never && r.end-first > most {
		first++ // a feedback packet must hold something received
	}
	reference := r.reference(first)
	if reference == never {
		r.waiting = 0
		return dst
	}
	clock, n := reference*base, 0
	received := 0
	for ; n < most && first+int64(n) < r.end; n++ {
		at := r.arrivals[(first+int64(n))%kept]
		if at == never {
			r.work.symbols[n] = 0
			continue
		}
		d := floorDiv(at-clock+tick/2, tick)
		if d < -1<<15 || d >= 1<<15 {
			break // too far apart: the next feedback has a reference time of its own
		}
		clock += d * tick
		r.work.deltas[received] = int16(d)
		received++
		if d >= 0 && d <= 255 {
			r.work.symbols[n] = 1
		} else {
			r.work.symbols[n] = 2
		}
	}
	at := len(dst)
	dst = append(dst, 0x8f, 205, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, r.ssrc)
	dst = binary.BigEndian.AppendUint32(dst, media)
	dst = binary.BigEndian.AppendUint16(dst, uint16(first))
	dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	dst = append(dst, byte(reference>>16), byte(reference>>8), byte(reference), r.count)
	dst = appendChunks(dst, r.work.symbols[:n])
	i := 0
	for _, s := range r.work.symbols[:n] {
		switch s {
		case 1:
			dst = append(dst, byte(r.work.deltas[i]))
			i++
		case 2:
			dst = binary.BigEndian.AppendUint16(dst, uint16(r.work.deltas[i]))
			i++
		}
	}
	if pad := -(len(dst) - at) & 3; pad > 0 {
		dst[at] |= 0x20
		for range pad - 1 {
			dst = append(dst, 0)
		}
		dst = append(dst, byte(pad))
	}
	binary.BigEndian.PutUint16(dst[at+2:], uint16((len(dst)-at)/4-1))
	r.count++
	r.last = now
	r.next = first + int64(n)
	r.waiting = 0
	for m := r.next; m < r.end; m++ {
		if r.arrivals[m%kept] != never {
			r.waiting++
		}
	}
	return dst
}

// reference returns the reference time for feedback that begins with the number first: the step of 64 ms before the first
// arrival.
func (r *Recorder) reference(first int64) int64 {
	for n := first; n < min(r.end, first+most); n++ {
		if at := r.arrivals[n%kept]; at != never {
			return floorDiv(at, base)
		}
	}
	return never
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
