package sfu

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// Upstream is where a Remote's sources are pulled from. It is called under the lock of the Remote, from several goroutines
// at once, must neither block nor call back, and does not keep the compound.
type Upstream interface {
	// Feedback sends a NACK or a request for a key frame of an encoding to the node that it is pulled from.
	Feedback(source room.SourceName, encoding int, compound []byte)
}

// Remote is the packet side of a participant that another node serves: what the links bring of its sources goes in here.
type Remote struct{ p *Participant }

// JoinRemote adds a participant that another node serves. It sends and gets nothing. One with the same id leaves first;
// what follows from that is returned by the next call.
func (r *Room) JoinRemote(now time.Time, id room.EndpointID, up Upstream) *Remote {
	p := r.enter(now, id)
	p.far.Store(&up)
	p.up = uplink{p: p}
	p.down = downlink{p: p}
	return &Remote{p}
}

// ID returns the participant's endpoint id.
func (m *Remote) ID() room.EndpointID { return m.p.id }

// RTP takes a packet of an encoding of a source. It is valid only during the call, and may be written to. The same packet
// may come several times by several ways.
func (m *Remote) RTP(source room.SourceName, encoding int, b []byte, arrived time.Time) {
	var in inbound
	if m.p.up.relayed(source, encoding, b, arrived, &in) {
		m.p.burst.pass(&in)
	}
}

// RTCP takes a compound with sender reports of an encoding of a source. It is valid only during the call.
func (m *Remote) RTCP(source room.SourceName, encoding int, compound []byte, arrived time.Time) {
	for len(compound) > 0 {
		r, rest, err := packet.NextRTCP(compound)
		if err != nil {
			m.p.down.malformed()
			return
		}
		if ssrc, ntp, rtp, ok := r.SenderInfo(); ok && m.p.up.sends(source, encoding, ssrc) {
			m.p.passReport(&r, ssrc, ntp, rtp, arrived)
		}
		compound = rest
	}
}

// SetRTT says how long a NACK takes to the node that the sources are pulled from, and its answer back.
func (m *Remote) SetRTT(d time.Duration) { m.p.rtt.Store(int64(d)) }

// Tick does what is due at now. It is called about every 20 ms.
func (m *Remote) Tick(now time.Time) { m.p.up.tick(now) }

// Counters returns what was counted so far. What is about sending to a participant stays 0.
func (m *Remote) Counters() Counters { return m.p.Counters() }

// layer returns an encoding of a source.
func (u *uplink) layer(name room.SourceName, encoding int) *layer {
	s := u.named[name]
	if s == nil || encoding < 0 || encoding >= len(s.layers) {
		return nil
	}
	return s.layers[encoding]
}

// sends reports whether an encoding of a source has the SSRC.
func (u *uplink) sends(name room.SourceName, encoding int, ssrc uint32) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.layer(name, encoding)
	return l != nil && l.ssrc == ssrc
}

// relayed takes a packet in that came from another node, and reports whether it goes anywhere.
func (u *uplink) relayed(name room.SourceName, encoding int, b []byte, now time.Time, in *inbound) bool {
	set := u.p.set
	h := &in.header
	err := packet.Parse(b, set.extensions, h)
	in.mark = packet.ReadMark(b)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil || in.mark.Present() && int(in.mark.Encoding()) != encoding {
		u.counters.Malformed++
		return false
	}
	u.p.stir()
	u.counters.Packets++
	u.counters.Octets += uint64(len(b))
	l := u.layer(name, encoding)
	f := &set.formats[h.PayloadType]
	if l == nil || h.SSRC != l.ssrc || f.codec == 0 || f.isRTX || f.codec.kind() != l.source.kind {
		u.counters.Unknown++
		return false
	}
	return u.accept(l, f.codec, b, now, in, false)
}
