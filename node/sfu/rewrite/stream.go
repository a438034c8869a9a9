package rewrite

import "time"

const (
	segments = 8
	window   = 1024    // outgoing sequence numbers whose use is remembered
	reach    = 1 << 15 // sequence numbers further back belong to an earlier cycle
	longest  = time.Hour
)

// Packet is what the engine reads of a packet that came in.
type Packet struct {
	Seq     uint16
	TS      uint32
	Start   bool   // a segment may begin with this packet
	Picture uint16 // picture id of VP8 and VP9
	TL0     uint8  // TL0PICIDX of VP8 and VP9
	Frame   uint16 // frame number of AV1
	Empty   bool   // it has no payload, and so none of these three; it starts nothing
}

// Mapped are the outgoing numbers of a packet. Sequence number and timestamp are always meant, the others when the packet
// has them; a picture id is taken in the width that the packet has.
type Mapped struct {
	Seq     uint16
	TS      uint32
	Picture uint16
	TL0     uint8
	Frame   uint16
}

// Verdict is what becomes of a packet.
type Verdict uint8

// What becomes of a packet.
const (
	Forward Verdict = iota // send it with the numbers given
	Drop                   // too old, or sent before
	Wait                   // nothing of its stream can be forwarded before a packet that may start a segment
)

// Place is where an outgoing packet came from.
type Place[O comparable] struct {
	Origin O
	Seq    uint16 // in its own stream
	off    offsets
}

// Map returns the outgoing numbers of p, a packet of the place: those it was or would have been sent with.
func (l *Place[O]) Map(p *Packet) Mapped { return l.off.add(p) }

type offsets struct {
	ts      uint32
	seq     uint16
	picture uint16
	tl0     uint8
	frame   uint16
}

func (o *offsets) add(p *Packet) Mapped {
	return Mapped{
		Seq: p.Seq + o.seq, TS: p.TS + o.ts,
		Picture: (p.Picture + o.picture) & 0x7fff, TL0: p.TL0 + o.tl0, Frame: p.Frame + o.frame,
	}
}

// segment covers the outgoing indices first to last.
type segment[O comparable] struct {
	origin      O
	first, last uint64
	off         offsets
}

// index returns the outgoing index of the incoming sequence number seq.
func (g *segment[O]) index(seq uint16) uint64 {
	return g.last + uint64(int64(int16(seq+g.off.seq-uint16(g.last))))
}

// Stream is one outgoing stream. O identifies what stands behind it: whatever has one sequence number space.
type Stream[O comparable] struct {
	clock    uint32 // ticks per millisecond
	seq      uint16 // of the first packet
	*past[O]        // nil before the first packet: most streams of a large room never have one
}

// past is what a stream remembers of what it sent.
type past[O comparable] struct {
	running bool // the newest segment takes packets
	started bool
	newest  int // index of the newest segment
	count   int // segments in use
	highest uint64
	last    Mapped // numbers of the packet with the highest index
	lastAt  time.Time
	packets uint32
	octets  uint32
	sent    [window / 64]uint64
	segment [segments]segment[O]
}

// New returns a stream that begins with sequence number seq. rate is the RTP clock rate in Hz.
func New[O comparable](rate uint32, seq uint16) *Stream[O] {
	return &Stream[O]{clock: rate / 1000, seq: seq}
}

// remember makes room for the past of a stream whose first packet is to have the sequence number seq.
func remember[O comparable](seq uint16) *past[O] {
	// The index is one cycle up, so that looking back never falls below zero.
	return &past[O]{highest: 1<<16 + uint64(seq) - 1}
}

// Running returns the origin of the newest segment, and whether it still takes packets.
func (s *Stream[O]) Running() (O, bool) {
	if s.past == nil || !s.running {
		var none O
		return none, false
	}
	return s.segment[s.newest].origin, true
}

// Stop ends the newest segment: the next packet must be one that may start a segment.
func (s *Stream[O]) Stop() {
	if s.past != nil {
		s.running = false
	}
}

// Map decides about the packet p of origin, which came at the time at and has length octets of payload.
func (s *Stream[O]) Map(origin O, p *Packet, length int, at time.Time) (Mapped, Verdict) {
	if s.past == nil || !s.running || s.segment[s.newest].origin != origin {
		if p.Start && !p.Empty {
			return s.begin(origin, p, length, at), Forward
		}
		return s.late(origin, p, length)
	}
	g := &s.segment[s.newest]
	i := g.index(p.Seq)
	if i < g.first {
		return s.late(origin, p, length)
	}
	m := g.off.add(p)
	if i > g.last {
		s.advance(i)
		g.last = i
		s.note(m, p.Empty, length, at)
		return m, Forward
	}
	if !s.use(i) {
		return Mapped{}, Drop
	}
	s.count32(length)
	return m, Forward
}

// begin starts a segment with p.
func (s *Stream[O]) begin(origin O, p *Packet, length int, at time.Time) Mapped {
	if s.past == nil {
		s.past = remember[O](s.seq)
	}
	next := s.highest + 1
	off := offsets{seq: uint16(next) - p.Seq}
	if s.started {
		elapsed := min(max(at.Sub(s.lastAt), time.Millisecond), longest)
		off.ts = s.last.TS + s.clock*uint32(elapsed/time.Millisecond) - p.TS
		off.picture = (s.last.Picture + 1 - p.Picture) & 0x7fff
		off.tl0 = s.last.TL0 + 1 - p.TL0
		off.frame = s.last.Frame + 1 - p.Frame
	}
	s.newest = (s.newest + 1) % segments
	s.count = min(s.count+1, segments)
	s.segment[s.newest] = segment[O]{origin: origin, first: next, last: next, off: off}
	s.running, s.started = true, true
	m := off.add(p)
	s.advance(next)
	s.note(m, false, length, at)
	return m
}

// late fits p into an earlier segment of its origin.
func (s *Stream[O]) late(origin O, p *Packet, length int) (Mapped, Verdict) {
	verdict := Wait
	if s.past == nil {
		return Mapped{}, verdict
	}
	if s.running {
		if s.segment[s.newest].origin == origin {
			verdict = Drop
		}
	}
	for n := range s.count {
		g := &s.segment[(s.newest+segments-n)%segments]
		if g.origin != origin {
			continue
		}
		i := g.index(p.Seq)
		if i < g.first || i > g.last {
			continue
		}
		if !s.use(i) {
			return Mapped{}, Drop
		}
		s.count32(length)
		return g.off.add(p), Forward
	}
	return Mapped{}, verdict
}

// note remembers m as the packet with the highest index. The frame number never goes back: receivers refuse what is below
// the greatest that they saw.
func (s *Stream[O]) note(m Mapped, empty bool, length int, at time.Time) {
	if empty {
		m.Picture, m.TL0, m.Frame = s.last.Picture, s.last.TL0, s.last.Frame
	} else if int16(m.Frame-s.last.Frame) < 0 && s.packets > 0 {
		m.Frame = s.last.Frame
	}
	s.last, s.lastAt = m, at
	s.count32(length)
}

func (s *Stream[O]) count32(length int) {
	s.packets++
	s.octets += uint32(length)
}

// advance makes i, which is above all others, the highest used index.
func (s *Stream[O]) advance(i uint64) {
	if i-s.highest >= window {
		clear(s.sent[:])
	} else {
		for n := s.highest + 1; n < i; n++ {
			s.sent[n/64%(window/64)] &^= 1 << (n % 64)
		}
	}
	s.highest = i
	s.sent[i/64%(window/64)] |= 1 << (i % 64)
}

// use marks i as used and reports whether it was free.
func (s *Stream[O]) use(i uint64) bool {
	if i > s.highest || s.highest-i >= window {
		return false
	}
	word, bit := &s.sent[i/64%(window/64)], uint64(1)<<(i%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// Locate returns where the packet with the outgoing sequence number seq came from. It fails for numbers not reached yet
// and for those too old to be known.
func (s *Stream[O]) Locate(seq uint16) (Place[O], bool) {
	if s.past == nil {
		return Place[O]{}, false
	}
	back := uint64(uint16(s.highest) - seq)
	if !s.started || back >= reach || back > s.highest {
		return Place[O]{}, false
	}
	i := s.highest - back
	for n := range s.count {
		g := &s.segment[(s.newest+segments-n)%segments]
		if i >= g.first && i <= g.last {
			return Place[O]{Origin: g.origin, Seq: seq - g.off.seq, off: g.off}, true
		}
	}
	return Place[O]{}, false
}

// Last returns the number of the last packet of the newest segment in its own stream, when the segment takes packets.
func (s *Stream[O]) Last() (seq uint16, running bool) {
	if s.past == nil || !s.running {
		return 0, false
	}
	g := &s.segment[s.newest]
	return uint16(g.last) - g.off.seq, true
}

// Counts returns how many packets and payload octets were sent, as a sender report counts them.
func (s *Stream[O]) Counts() (packets, octets uint32) {
	if s.past == nil {
		return 0, 0
	}
	return s.packets, s.octets
}

// Offset returns what the running segment adds to timestamps, and when its last packet came.
func (s *Stream[O]) Offset() (ts uint32, at time.Time) { return s.segment[s.newest].off.ts, s.lastAt }
