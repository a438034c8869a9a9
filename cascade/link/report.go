package link

import (
	"net/netip"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Report is what is known of one peer and the link with it. Counts are since the peer is a member.
type Report struct {
	Name    identity.Name
	Addr    netip.AddrPort // that heartbeats come from, or the first that was said
	Alive   bool           // heartbeats go both ways
	RTT     time.Duration  // smoothed; 0: not known
	MinRTT  time.Duration  // of the last 10 s
	Loss    float64        // of heartbeats to the peer, 0 to 1
	Control bool           // frames can be sent
	Media   bool           // media can be sent
	Version uint16         // spoken on the link, 0: there is none
	Region  string         // by the peer's Hello

	Sent, Dropped       [Classes]Count // media datagrams
	Received            Count
	FramesOut, FramesIn Count
	Unknown             uint64 // frames of newer versions, skipped
	Misbehaved          uint64
}

// Peers returns a report on every peer, by name.
func (e *Endpoint) Peers() []Report {
	now := time.Now()
	e.beats.mu.Lock()
	defer e.beats.mu.Unlock()
	all := make([]Report, 0, len(e.beats.all))
	for _, w := range e.beats.all {
		p := w.p
		r := Report{
			Name: p.name, Addr: w.watch.Path(), Loss: w.watch.Loss(),
			Received: p.tally.mediaIn.count(), FramesOut: p.tally.framesOut.count(), FramesIn: p.tally.framesIn.count(),
			Unknown: p.tally.unknown.Load(), Misbehaved: p.tally.refused.Load(),
		}
		r.Alive = w.watch.Last() == Alive
		r.RTT, r.MinRTT = w.watch.RTT(now)
		for c := range Classes {
			r.Sent[c], r.Dropped[c] = p.tally.mediaOut[c].count(), p.tally.mediaDrop[c].count()
		}
		if l := p.up.Load(); l != nil {
			r.Control, r.Media, r.Version, r.Region = true, l.media.up.Load(), l.version, l.hello.Region
		}
		if !r.Addr.IsValid() {
			r.Addr = p.first()
		}
		all = append(all, r)
	}
	return all
}

// Strangers counts what came to the port from nobody that is a member.
type Strangers struct {
	Datagrams  uint64 // neither QUIC nor a heartbeat of this cluster
	Heartbeats uint64 // of this cluster, by nobody that is a member here
	Handshakes uint64 // begun, those of members among them
}

// Strangers returns the counts so far.
func (e *Endpoint) Strangers() Strangers {
	e.gate.mu.Lock()
	defer e.gate.mu.Unlock()
	return Strangers{e.beats.rejected.Load(), e.beats.strange.Load(), e.gate.passed}
}
