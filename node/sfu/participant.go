package sfu

import (
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/node/sfu/allocate"
)

// Egress is where packets to a participant go. It is called from several goroutines at once and must neither block nor
// call back into the participant.
type Egress interface {
	// Buffer returns an empty buffer with room for a packet of the path's MTU.
	Buffer() []byte
	// Warm says that packets will be sent in a moment: what is needed for it may be fetched.
	Warm()
	// SendRTP sends packets that were built in a Buffer each, and takes them over. It does not keep the list. An error is
	// about at least one of them; the others are sent.
	SendRTP(packets ...[]byte) error
	// SendRTCP sends a compound. It does not keep it.
	SendRTCP(compound []byte) error
}

// defaultRTT stands for the round trip time of a participant that nothing is known of yet.
const defaultRTT = 100 * time.Millisecond

// Participant is the packet side of one participant: what its transport delivers goes in here.
type Participant struct {
	id   room.EndpointID
	ssrc uint32 // sender of the RTCP that is about what the participant sends
	twin uint32 // stands beside it: one SSRC cannot be announced for both kinds
	set  *settings
	out  Egress                   // nil for a Remote
	far  atomic.Pointer[Upstream] // where a Remote's sources are pulled from, else nil
	rtt  atomic.Int64
	rest atomic.Int64 // a stamp: no tick is needed for restTime from then on
	up   uplink
	down downlink
	// burst is what waits for the rest of its frame.
	burst burst

	// The rest belongs to the control side.
	plain        bool
	constraints  allocate.Constraints
	constrained  bool
	sources      []*source
	used         map[uint32]bool // SSRCs that the participant ever saw or sends
	video, audio board
	fixed        map[room.SourceName]*slot // in plain mode
	wanted       []wanted
	forwarded    []room.SourceName
	dominated    time.Time       // when it was last made the dominant speaker
	dominant     atomic.Bool     // read by the packet side
	arriving     []session.Layer // where its sources stood at another node, until they are set
}

// wanted is what a participant wants of a source.
type wanted struct {
	source  *source
	height  int32
	forward bool
}

// away reports whether another node serves the participant.
func (p *Participant) away() bool { return p.far.Load() != nil }

// ID returns the participant's endpoint id.
func (p *Participant) ID() room.EndpointID { return p.id }

// ReportSSRCs returns the SSRCs that the participant is to be told the node reports from, one for each kind. No media is
// sent on them.
func (p *Participant) ReportSSRCs() (audio, video uint32) { return p.twin, p.ssrc }

// RTP takes a packet that the participant sent. It is valid only during the call, and may be written to. It returns whether
// packets are kept that wait for others of their frame: without them they are of no use to anybody. They go on with the
// last packet of the frame, or with Flush.
func (p *Participant) RTP(b []byte, arrived time.Time) (more bool) {
	var in inbound
	if !p.up.receive(b, arrived, &in) {
		return p.burst.waits()
	}
	return p.burst.add(&in)
}

// Flush sends on what is kept.
func (p *Participant) Flush() {
	p.burst.mu.Lock()
	defer p.burst.mu.Unlock()
	p.burst.flush()
}

// Connected says that the participant's transport is up: from now on it is sent media.
func (p *Participant) Connected(now time.Time) { p.down.connect(now) }

// restTime bounds how long a participant with nothing due is left alone.
const restTime = 100 * time.Millisecond

// Tick does what is due at now. It is called about every 20 ms while the participant's transport is up, and returns at once
// for most of those who only watch.
func (p *Participant) Tick(now time.Time) {
	if stamp(p.rest.Load()).age(now) < restTime {
		return
	}
	p.rest.Store(int64(stampOf(now))) // first: what stirs meanwhile counts
	p.down.connect(now)
	waiting, unsettled := p.down.tick(now), p.up.tick(now)
	if waiting || unsettled {
		p.stir()
	}
}

// stir says that the next tick may have something to do.
func (p *Participant) stir() { p.rest.Store(0) }

// roundTrip returns the round trip time to the participant.
func (p *Participant) roundTrip() time.Duration {
	if d := time.Duration(p.rtt.Load()); d > 0 {
		return d
	}
	return defaultRTT
}

// Counters count what a participant sent and was sent.
type Counters struct {
	Packets, Octets  uint64 // RTP received
	Malformed        uint64 // RTP that could not be read
	Unknown          uint64 // RTP of SSRCs that were not announced, or of another payload type
	Duplicates       uint64 // RTP received before, or too old
	Recovered        uint64 // RTP that came by retransmission
	NACKsSent        uint64 // sequence numbers asked for
	KeyframesAsked   uint64 // picture loss indications sent to the participant
	MalformedRTCP    uint64
	Feedback         uint64 // feedback packets received: transport-cc, REMB
	ForwardedPackets uint64 // RTP sent to the participant
	ForwardedOctets  uint64
	Retransmitted    uint64 // packets sent again
	Refused          uint64 // NACKed packets that were not sent again: too often, too much, too old
	SendErrors       uint64
}

// Counters returns what was counted so far.
func (p *Participant) Counters() Counters {
	p.up.mu.Lock()
	c := p.up.counters
	p.up.mu.Unlock()
	p.down.mu.Lock()
	defer p.down.mu.Unlock()
	d := &p.down.counters
	c.MalformedRTCP, c.Feedback = d.MalformedRTCP, d.Feedback
	c.ForwardedPackets, c.ForwardedOctets, c.Retransmitted, c.Refused = d.ForwardedPackets, d.ForwardedOctets, d.Retransmitted, d.Refused
	c.SendErrors += d.SendErrors
	return c
}

// newSSRC returns an SSRC that the participant never saw.
func (p *Participant) newSSRC() uint32 {
	for {
		if n := p.set.rand(); n != 0 && !p.used[n] {
			p.used[n] = true
			return n
		}
	}
}
