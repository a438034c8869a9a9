package reception

import "time"

const (
	window     = 1024
	dropout    = 3000 // RFC 3550 A.1 MAX_DROPOUT
	sequential = 2    // packets in a row that confirm a jump
	earlier    = 64   // packets before the first that are taken when places are known
	stale      = 2 * time.Second
)

// Verdict says what a packet is to its stream.
type Verdict uint8

// What a packet is to its stream.
const (
	Fresh     Verdict = iota // newer than all before
	Late                     // older than the newest, and not seen before
	Duplicate                // seen before, or too old to know
	Restarted                // the stream begins anew with this packet: nothing said of it before holds
	Doubtful                 // a jump that nothing confirms yet: not to be used
)

// Stream is the statistics of one incoming stream. Use [NewStream].
type Stream struct {
	rate    uint32 // clock rate, Hz
	started bool
	highest uint64 // extended sequence number, one cycle up
	base    uint64
	floor   uint64 // what is before it was before the stream began
	newest  time.Time
	seen    [window / 64]uint64
	suspect uint16 // next sequence number that would confirm a jump
	doubts  int

	received      uint64
	priorExpected uint64
	priorReceived uint64
	transit       int64 // arrival minus timestamp, in clock ticks
	jitter        float64
	haveTransit   bool
	reportNTP     uint32 // middle 32 bits of the last sender report
	reportAt      time.Time
}

// NewStream returns the statistics of a stream whose clock ticks rate times a second.
func NewStream(rate uint32) *Stream { return &Stream{rate: rate} }

// Receive takes note of a packet. recovered says that it came as a retransmission, which counts neither for loss nor
// for jitter.
func (s *Stream) Receive(seq uint16, ts uint32, at time.Time, recovered bool) Verdict {
	if !s.started {
		if recovered {
			return Doubtful
		}
		s.restart(seq, ts, at)
		return Fresh
	}
	i := s.highest + uint64(int64(int16(seq-uint16(s.highest))))
	if i > s.highest && i-s.highest > dropout || i <= s.highest && s.highest-i >= dropout {
		return s.doubt(seq, ts, at, recovered)
	}
	return s.take(i, ts, at, recovered)
}

// Place takes note of a packet whose extended sequence number is known, of which the lower 40 bits count. The numbers of
// a stream never go back, so that a jump forward confirms itself, and how far it goes does not matter; numbers from before
// are believed only when nothing newer came for two seconds.
func (s *Stream) Place(extended uint64, ts uint32, at time.Time) Verdict {
	if !s.started {
		s.anew(extended, ts, at)
		return Fresh
	}
	step := int64((extended-s.highest)<<24) >> 24
	if step > dropout || step <= -window && at.Sub(s.newest) > stale {
		s.anew(extended, ts, at)
		return Restarted
	}
	if step <= -window {
		return Duplicate
	}
	return s.take(s.highest+uint64(step), ts, at, false)
}

// anew restarts the stream where places are known. Packets from shortly before its first are taken: they were overtaken.
func (s *Stream) anew(extended uint64, ts uint32, at time.Time) {
	s.restart(uint16(extended), ts, at)
	clear(s.seen[:])
	s.highest = 1<<40 + extended&(1<<40-1)
	s.base, s.floor = s.highest, s.highest-earlier
	s.seen[s.highest/64%(window/64)] |= 1 << (s.highest % 64)
}

// Rebase makes extended, which ends in the same 16 bits, the place of the highest packet, of which the lower 40 bits count:
// the stream goes on with packets whose places are known.
func (s *Stream) Rebase(extended uint64) {
	shift := 1<<40 + extended&(1<<40-1) - s.highest
	s.highest += shift
	s.base += shift
	s.floor += shift
}

// Resume makes a stream go on that was received elsewhere up to the place given. What is late by little is still taken.
func (s *Stream) Resume(extended uint64, at time.Time) {
	*s = Stream{rate: s.rate, started: true, highest: 1<<40 + extended&(1<<40-1), newest: at}
	s.base, s.floor = s.highest+1, s.highest-earlier
	s.seen[s.highest/64%(window/64)] |= 1 << (s.highest % 64)
}

// Extended returns the place of the highest packet, 40 bits, of a stream whose places are known.
func (s *Stream) Extended() uint64 { return s.highest & (1<<40 - 1) }

// take takes note of a packet that is not far from the highest.
func (s *Stream) take(i uint64, ts uint32, at time.Time, recovered bool) Verdict {
	switch {
	case i > s.highest:
		for n := s.highest + 1; n < i && n-s.highest <= window; n++ {
			s.seen[n/64%(window/64)] &^= 1 << (n % 64)
		}
		if i-s.highest > window {
			clear(s.seen[:])
		}
		s.highest, s.newest = i, at
		s.seen[i/64%(window/64)] |= 1 << (i % 64)
		s.count(ts, at, recovered)
		return Fresh
	case s.highest-i >= window || i < s.floor:
		return Duplicate
	}
	word, bit := &s.seen[i/64%(window/64)], uint64(1)<<(i%64)
	if *word&bit != 0 {
		return Duplicate
	}
	*word |= bit
	s.count(ts, at, recovered)
	return Late
}

// Started reports whether anything came.
func (s *Stream) Started() bool { return s.started }

// Highest returns the highest sequence number received.
func (s *Stream) Highest() uint16 { return uint16(s.highest) }

// Cycle returns the cycle of the highest sequence number, 24 bits, of a stream whose packets are placed.
func (s *Stream) Cycle() uint32 { return uint32(s.highest>>16) & 0xffffff }

func (s *Stream) doubt(seq uint16, ts uint32, at time.Time, recovered bool) Verdict {
	if recovered {
		return Doubtful
	}
	if s.doubts == 0 || seq != s.suspect {
		s.doubts = 0
	}
	s.doubts++
	s.suspect = seq + 1
	if s.doubts < sequential {
		return Doubtful
	}
	s.restart(seq, ts, at)
	return Restarted
}

func (s *Stream) restart(seq uint16, ts uint32, at time.Time) {
	*s = Stream{rate: s.rate, reportNTP: s.reportNTP, reportAt: s.reportAt, jitter: s.jitter}
	s.started = true
	s.highest = 1<<16 + uint64(seq)
	s.base, s.floor, s.newest = s.highest, s.highest, at
	s.seen[s.highest/64%(window/64)] |= 1 << (s.highest % 64)
	s.count(ts, at, false)
}

func (s *Stream) count(ts uint32, at time.Time, recovered bool) {
	s.doubts = 0
	if recovered {
		return
	}
	s.received++
	// In whole ticks modulo 2^32, as A.8 wants it: only differences matter.
	arrival := uint32(at.Unix())*s.rate + uint32(uint64(at.Nanosecond())*uint64(s.rate)/1e9)
	transit := int64(int32(arrival - ts))
	if s.haveTransit {
		d := int64(int32(uint32(transit) - uint32(s.transit)))
		if d < 0 {
			d = -d
		}
		s.jitter += (float64(d) - s.jitter) / 16
	}
	s.transit, s.haveTransit = transit, true
}

// SenderReport takes note of a sender report of the stream: the middle 32 bits of its NTP time.
func (s *Stream) SenderReport(ntp uint32, at time.Time) { s.reportNTP, s.reportAt = ntp, at }

// Report is a report block (RFC 3550 6.4.1) without the SSRC.
type Report struct {
	FractionLost   uint8
	TotalLost      uint32 // 24 bits
	Highest        uint32
	Jitter         uint32
	LastReport     uint32
	SinceLastInNTP uint32 // DLSR, in 1/65536 s
}

// Report returns the report of what came since the last one, and false when nothing ever came.
func (s *Stream) Report(now time.Time) (Report, bool) {
	if !s.started {
		return Report{}, false
	}
	expected := s.highest - s.base + 1
	var fraction uint8
	interval := expected - s.priorExpected
	lost := int64(interval) - int64(s.received-s.priorReceived)
	if interval > 0 && lost > 0 {
		fraction = uint8(min(lost*256/int64(interval), 255))
	}
	s.priorExpected, s.priorReceived = expected, s.received
	total := min(max(int64(expected)-int64(s.received), -1<<23), 1<<23-1)
	r := Report{
		FractionLost: fraction, TotalLost: uint32(total) & 0xffffff,
		Highest: uint32(s.highest - 1<<16), Jitter: uint32(s.jitter),
	}
	if !s.reportAt.IsZero() {
		r.LastReport = s.reportNTP
		r.SinceLastInNTP = uint32(max(now.Sub(s.reportAt), 0) * 65536 / time.Second)
	}
	return r, true
}
