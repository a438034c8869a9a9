package sfu

import (
	"slices"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
	"github.com/atoll-mesh/atoll/node/sfu/rewrite"
)

// slot is one outgoing SSRC of a participant. There are up to a hundred for each: what is rare in it is a pointer.
type slot struct {
	down *downlink

	// Guarded by down.mu; source is written by the control side only, which may read it without.
	source   *source // what it holds
	stream   *rewrite.Stream[origin]
	recent   *[recentSize]sentAgain
	since    stamp
	reported stamp
	requests limiter

	// The control side's.
	restored *session.Rewrite
	named    uint64 // the last round of placing in which its source was to be forwarded

	ssrc, rtx uint32
	rtxSeq    uint16 // guarded by down.mu, as the next three
	kind      room.Kind
	open      bool // packets of source go through
	waiting   bool // packets come that need a key frame first
	behind    bool // packets of its source came since it stood still
	on        bool // to be forwarded; the control side's, as what follows
	opening   bool // waits for Open
}

// downlink is what one participant is sent.
type downlink struct {
	p  *Participant
	mu sync.Mutex

	connected bool
	frozen    bool // moved to another node: nothing is sent any more
	slots     []*slot
	bySSRC    map[uint32]*slot
	transport uint16 // next transport-wide sequence number
	budget    budget
	counters  Counters

	rtcp []byte
	one  [1][]byte // a packet that is sent alone
}

// need is a slot that waits for a key frame.
type need struct {
	source *source
	since  time.Time
}

// connect opens the downlink when the transport is up.
func (d *downlink) connect(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.connected {
		return
	}
	d.connected = true
	for _, s := range d.slots {
		s.since = stampOf(now)
	}
}

// forward sends packets of the source in s. The list, which it may grow, is for its own use.
func (d *downlink) forward(s *slot, packets []inbound, out [][]byte) [][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range packets {
		if b := d.pass(s, &packets[i]); b != nil {
			out = append(out, b)
		}
	}
	d.send(out...)
	clear(out)
	return out
}

// pass returns a packet of the source in s as it is to be sent, nil when it is not.
func (d *downlink) pass(s *slot, in *inbound) []byte {
	if !in.forwarded || !d.connected || d.frozen || !s.open || s.source != in.origin.layer.source {
		return nil
	}
	m, verdict := s.stream.Map(in.origin, &in.rtp, in.header.End-in.header.Payload, in.at)
	switch verdict {
	case rewrite.Drop:
		return nil
	case rewrite.Wait:
		if in.live && !s.waiting {
			s.waiting = true
			d.p.stir()
		}
		return nil
	case rewrite.Forward:
		s.waiting = s.waiting && !in.live
	}
	b := append(d.p.out.Buffer(), in.bytes...)
	packet.Patch(b, m.Seq, m.TS, s.ssrc)
	in.picture.patch(b, &m)
	d.counters.ForwardedPackets++
	d.counters.ForwardedOctets += uint64(len(b))
	d.finish(b, &in.header, in.marked, in.sent)
	return b
}

// finish writes the leg's own extensions into b. marked says that it may carry a mark, which is not for clients.
func (d *downlink) finish(b []byte, h *packet.Header, marked bool, sent uint32) {
	if marked {
		packet.DropMark(b)
	}
	if h.TransportSeq != 0 {
		packet.PatchTransportSeq(b, h.TransportSeq, d.transport)
		d.transport++
	}
	if h.SendTime != 0 {
		packet.PatchSendTime(b, h.SendTime, sent)
	}
}

// send sends packets that are finished.
func (d *downlink) send(packets ...[]byte) {
	if len(packets) == 0 {
		return
	}
	if err := d.p.out.SendRTP(packets...); err != nil {
		d.counters.SendErrors++
	}
}

// sendOne is send of one packet.
func (d *downlink) sendOne(b []byte) {
	d.one[0] = b
	d.send(d.one[:]...)
	d.one[0] = nil
}

// tick sends sender reports and asks for the key frames that slots wait for. It reports whether any do. Of who sends nothing none is
// waited for: the first packet stirs.
func (d *downlink) tick(now time.Time) (waiting bool) {
	var some [mostSlots]need
	needs := some[:0]
	d.mu.Lock()
	for _, s := range d.slots {
		if !s.open || d.frozen {
			continue
		}
		_, running := s.stream.Running()
		if s.kind == room.Video && (!running || s.waiting) {
			needs = append(needs, need{s.source, s.since.time()})
		}
		if running && s.reported.age(now) >= time.Second {
			d.report(s, now)
		}
	}
	d.mu.Unlock()
	for _, n := range needs {
		if n.source.requestKeyframe(n.since, now, false) {
			waiting = true
		}
	}
	return waiting
}

// report sends a sender report of s: our time now, and the timestamp that a packet taken now would have.
func (d *downlink) report(s *slot, now time.Time) {
	from, _ := s.stream.Running()
	offset, last := s.stream.Offset()
	l := from.layer
	l.mu.Lock()
	r := l.report
	l.mu.Unlock()
	if !r.valid || now.Sub(last) > 2*time.Second {
		return
	}
	s.reported = stampOf(now)
	rtp := r.rtp + offset + ticks(now.Sub(r.at), clockRate(s.kind))
	packets, octets := s.stream.Counts()
	d.rtcp = packet.AppendSR(d.rtcp[:0], s.ssrc, packet.NTP(now), rtp, packets, octets, string(s.source.name.Endpoint()))
	if err := d.p.out.SendRTCP(d.rtcp); err != nil {
		d.counters.SendErrors++
	}
}

// ticks returns d in ticks of an RTP clock.
func ticks(d time.Duration, rate uint32) uint32 {
	return uint32(int64(d/time.Microsecond) * int64(rate) / 1e6)
}

// add makes s known to the packet side.
func (d *downlink) add(s *slot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slots = append(d.slots, s)
	d.bySSRC[s.ssrc] = s
}

// hold makes source, which may be nil, what s holds. s is closed and its next packet begins a segment.
func (d *downlink) hold(s *slot, src *source) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.source, s.open, s.waiting = src, false, false
	s.stream.Stop()
}

// shut lets no more packets through s; its next packet begins a segment.
func (d *downlink) shut(s *slot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.open, s.waiting = false, false
	s.stream.Stop()
}

// open lets packets through s, which is in its source's table, and reports whether it goes on within the stream that it was in.
func (d *downlink) open(s *slot, now time.Time) (goesOn bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.open, s.since = true, stampOf(now)
	if s.behind {
		s.behind = false
		d.catchUp(s, now)
	}
	d.p.stir()
	_, goesOn = s.stream.Running()
	return goesOn
}

// forget takes s, which is closed, away from the packet side.
func (d *downlink) forget(s *slot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slots = slices.DeleteFunc(d.slots, func(o *slot) bool { return o == s })
	delete(d.bySSRC, s.ssrc)
}

// up reports whether the participant can be sent to.
func (d *downlink) up() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.connected && !d.frozen
}
