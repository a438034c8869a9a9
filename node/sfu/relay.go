package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// Class says what a link that is too thin drops first: the highest.
type Class uint8

// The classes of packets.
const (
	ClassAudio       Class = iota // and sender reports
	ClassSpeaker                  // video of the dominant speaker
	ClassVideo                    // other video
	ClassDiscardable              // video that no other frame refers to
)

// RelayEgress is where packets to another node go. It is called from several goroutines at once, must neither block nor
// call back, and does not keep the packet.
type RelayEgress interface {
	// Send sends RTP of an encoding of a source, or a sender report about it.
	Send(source room.SourceName, encoding int, class Class, packet []byte)
}

const (
	mostPulls   = 4096 // of a relay
	mostRefresh = 10   // requests for key frames that count at once, per source; one more each second

	pullRate   = 256 << 10 // bytes of retransmissions a second, per source
	pullBurst  = 256 << 10
	relayRate  = 4 << 20 // and of all of a relay
	relayBurst = 4 << 20
)

// Relay is the packet side of another node that pulls sources from here.
type Relay struct {
	node string
	set  *settings
	out  RelayEgress
	rtt  atomic.Int64

	mu       sync.Mutex
	pulls    map[room.SourceName]*pull // written by the control side
	budget   budget
	counters RelayCounters
}

// RelayCounters count what another node was sent again or not.
type RelayCounters struct {
	Retransmitted uint64 // packets sent again
	Refused       uint64 // NACKed packets that were not sent again: too often, too much, not there
	Refreshes     uint64 // requests for key frames that were passed on
	Malformed     uint64 // feedback that could not be read
	Full          uint64 // pulls that were one too many
}

// pull is one source that a relay pulls.
type pull struct {
	relay *Relay
	name  room.SourceName

	height int // belongs to the control side

	mu        sync.Mutex
	source    *source // nil: not there, or not any more. Written by the control side
	buffer    []byte
	hops      []hop // by encoding
	budget    budget
	refreshes int
	refilled  time.Time
}

// hop is what was sent of one encoding.
type hop struct {
	began    time.Time // the last beginning of a key frame
	ntp      uint32    // middle 32 bits of the last sender report, and when it was sent
	reported time.Time
	recent   *[recentSize]sentAgain
}

// forward sends a packet.
func (p *pull) forward(in *inbound) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := in.origin.layer
	if p.source != l.source || p.relay.out == nil {
		return
	}
	if in.mark.Keyframe() {
		p.hops[l.index].began = in.at
	}
	b := in.bytes
	if !in.marked {
		p.buffer = packet.AppendMarked(p.buffer[:0], b, in.mark)
		b = p.buffer
	}
	p.relay.out.Send(p.name, l.index, l.source.class(in.mark), b)
}

// class returns the class of a packet of s.
func (s *source) class(m packet.Mark) Class {
	switch {
	case s.kind == room.Audio:
		return ClassAudio
	case m.Discardable():
		return ClassDiscardable
	case s.owner.dominant.Load():
		return ClassSpeaker
	}
	return ClassVideo
}

// report passes on a sender report of l with the info given.
func (p *pull) report(l *layer, info []byte, ntp uint64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.source != l.source || p.relay.out == nil {
		return
	}
	h := &p.hops[l.index]
	h.ntp, h.reported = packet.ShortNTP(ntp), now
	p.buffer = packet.AppendInfo(p.buffer[:0], info)
	p.relay.out.Send(p.name, l.index, ClassAudio, p.buffer)
}

// Feedback takes a compound that the other node sent about an encoding of a source. It is valid only during the call.
func (y *Relay) Feedback(source room.SourceName, encoding int, compound []byte, arrived time.Time) {
	y.mu.Lock()
	p := y.pulls[source]
	y.mu.Unlock()
	if p == nil {
		return
	}
	for len(compound) > 0 {
		r, rest, err := packet.NextRTCP(compound)
		if err != nil {
			y.mu.Lock()
			y.counters.Malformed++
			y.mu.Unlock()
			return
		}
		p.control(encoding, &r, arrived)
		compound = rest
	}
}

// SetRTT says how long a packet takes to the other node and back.
func (y *Relay) SetRTT(d time.Duration) { y.rtt.Store(int64(d)) }

// Counters returns what was counted so far.
func (y *Relay) Counters() RelayCounters {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.counters
}

func (y *Relay) roundTrip() time.Duration {
	if d := time.Duration(y.rtt.Load()); d > 0 {
		return d
	}
	return defaultRTT
}

// control takes one packet of a compound.
func (p *pull) control(encoding int, r *packet.RTCP, now time.Time) {
	switch {
	case r.Type == packet.TypeSR || r.Type == packet.TypeRR:
		for i := 0; ; i++ {
			b, ok := r.Block(i)
			if !ok {
				return
			}
			p.block(encoding, &b, now)
		}
	case r.Type == packet.TypeTransport && r.Count == packet.FormatNACK:
		for i := 0; ; i++ {
			first, more, ok := r.Lost(i)
			if !ok {
				return
			}
			p.nack(encoding, first, more, now)
		}
	case r.Type == packet.TypePayload && (r.Count == packet.FormatPLI || r.Count == packet.FormatFIR):
		if s := p.refresh(encoding, now); s != nil {
			s.requestKeyframe(now, now, true)
		}
	}
}

// block takes the round trip time from a report about an encoding.
func (p *pull) block(encoding int, b *packet.Block, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.source == nil || encoding < 0 || encoding >= len(p.hops) || b.SSRC != p.source.layers[encoding].ssrc {
		return
	}
	h := &p.hops[encoding]
	held := time.Duration(b.SinceLast) * time.Second >> 16
	seen := now.Sub(h.reported) - held
	if h.reported.IsZero() || b.LastReport != h.ntp || seen < 0 || seen > 10*time.Second {
		return
	}
	p.relay.SetRTT(max(seen, time.Millisecond))
}

// nack answers one pair of a NACK about an encoding.
func (p *pull) nack(encoding int, first, more uint16, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.source == nil || encoding < 0 || encoding >= len(p.hops) {
		return
	}
	p.retransmit(encoding, first, now)
	for i := range uint16(16) {
		if more>>i&1 != 0 {
			p.retransmit(encoding, first+1+i, now)
		}
	}
}

// retransmit sends the packet with the sequence number seq again, if it is still there. If it is missing here too, it is
// sent when it comes.
func (p *pull) retransmit(encoding int, seq uint16, now time.Time) {
	s := p.source
	l := s.layers[encoding]
	h := &p.hops[encoding]
	if h.recent == nil {
		h.recent = new([recentSize]sentAgain)
	}
	e := &h.recent[seq%recentSize]
	spent := !e.at.IsZero() && e.seq == seq && now.Sub(e.at) < max(p.relay.roundTrip(), 20*time.Millisecond)
	m, ok := packet.Mark(0), false
	if !spent {
		m, ok = p.load(l, seq)
	}
	ok = ok && p.budget.take(len(p.buffer), pullRate, pullBurst, now)
	y := p.relay
	y.mu.Lock()
	ok = ok && y.budget.take(len(p.buffer), relayRate, relayBurst, now)
	if ok {
		y.counters.Retransmitted++
	} else {
		y.counters.Refused++
	}
	y.mu.Unlock()
	if ok {
		*e = sentAgain{now, seq}
		y.out.Send(p.name, encoding, s.class(m), p.buffer)
	}
}

// load puts the packet seq of l as it goes to other nodes into the buffer.
func (p *pull) load(l *layer, seq uint16) (packet.Mark, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stored, note, ok := l.ring.Get(seq)
	m := packet.Mark(note &^ inside)
	if !ok {
		return 0, false
	}
	if note&inside != 0 {
		p.buffer = append(p.buffer[:0], stored...)
		return m, true
	}
	if !m.Present() {
		return 0, false // from before the first pull
	}
	m = m.WithCycle(cycleOf(l.placed, seq))
	p.buffer = packet.AppendMarked(p.buffer[:0], stored, m)
	return m, true
}

// refresh returns the source of which a key frame is to be asked for because the other node asked for one of an encoding;
// nil when there is no need, or it asks too often.
func (p *pull) refresh(encoding int, now time.Time) *source {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.source == nil || encoding < 0 || encoding >= len(p.hops) {
		return nil
	}
	if h := &p.hops[encoding]; !h.began.IsZero() && now.Sub(h.began) < p.relay.roundTrip() {
		return nil // it crossed the key frame
	}
	if since := int(now.Sub(p.refilled) / time.Second); since > 0 {
		p.refreshes, p.refilled = min(p.refreshes+min(since, mostRefresh), mostRefresh), now
	}
	if p.refreshes == 0 {
		return nil
	}
	p.refreshes--
	p.relay.mu.Lock()
	p.relay.counters.Refreshes++
	p.relay.mu.Unlock()
	return p.source
}
