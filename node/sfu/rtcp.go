package sfu

import (
	"time"

	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// RTCP takes a compound that the participant sent. It is valid only during the call.
func (p *Participant) RTCP(compound []byte, arrived time.Time) {
	for len(compound) > 0 {
		r, rest, err := packet.NextRTCP(compound)
		if err != nil {
			p.down.malformed()
			return
		}
		p.control(&r, arrived)
		compound = rest
	}
}

// control takes one packet of a compound.
func (p *Participant) control(r *packet.RTCP, now time.Time) {
	switch r.Type {
	case packet.TypeSR:
		ssrc, ntp, rtp, ok := r.SenderInfo()
		if !ok {
			p.down.malformed()
			return
		}
		p.passReport(r, ssrc, ntp, rtp, now)
		p.blocks(r, now)
	case packet.TypeRR:
		p.blocks(r, now)
	case packet.TypeTransport, packet.TypePayload:
		media, ok := r.Media()
		if !ok {
			p.down.malformed()
			return
		}
		p.about(r, media, now)
	}
}

// passReport takes a sender report, and passes it on to the nodes that pull what it is about.
func (p *Participant) passReport(r *packet.RTCP, ssrc uint32, ntp uint64, rtp uint32, now time.Time) {
	l, t := p.up.senderReport(ssrc, ntp, rtp, now)
	if l == nil {
		return
	}
	for _, far := range t.pulls {
		far.report(l, r.Body[:packet.SenderInfo], ntp, now)
	}
}

// about takes feedback about an SSRC that the participant is sent.
func (p *Participant) about(r *packet.RTCP, media uint32, now time.Time) {
	if r.Type == packet.TypeTransport {
		switch r.Count {
		case packet.FormatNACK:
			for i := 0; ; i++ {
				first, more, ok := r.Lost(i)
				if !ok {
					return
				}
				p.down.nack(media, first, more, now)
			}
		case packet.FormatTransportCC:
			p.down.feedback()
		}
		return
	}
	switch r.Count {
	case packet.FormatPLI:
		p.refresh(media, now)
	case packet.FormatFIR:
		for i := 0; ; i++ {
			ssrc, ok := r.Refresh(i)
			if !ok {
				return
			}
			p.refresh(ssrc, now)
		}
	case packet.FormatREMB:
		p.down.feedback()
	}
}

// refresh passes a request for a key frame on to the sender of what stands behind the SSRC.
func (p *Participant) refresh(ssrc uint32, now time.Time) {
	d := &p.down
	d.mu.Lock()
	s := d.bySSRC[ssrc]
	var src *source
	if s != nil && s.open && !d.frozen && s.requests.allow(now, min(apart, p.roundTrip()+10*time.Millisecond)) {
		src = s.source
	}
	d.mu.Unlock()
	if src != nil {
		src.requestKeyframe(now, now, true)
	}
}

// blocks takes the round trip time from report blocks about what the participant is sent.
func (p *Participant) blocks(r *packet.RTCP, now time.Time) {
	for i := 0; ; i++ {
		b, ok := r.Block(i)
		if !ok {
			return
		}
		if b.LastReport == 0 || !p.down.sends(b.SSRC) {
			continue
		}
		units := packet.ShortNTP(packet.NTP(now)) - b.LastReport - b.SinceLast
		if units > 10<<16 {
			continue // before its cause, or absurd
		}
		seen := max(time.Duration(units)*time.Second>>16, time.Millisecond)
		if old := time.Duration(p.rtt.Load()); old > 0 {
			seen = (7*old + seen) / 8
		}
		p.rtt.Store(int64(seen))
	}
}

func (d *downlink) malformed() {
	d.mu.Lock()
	d.counters.MalformedRTCP++
	d.mu.Unlock()
}

func (d *downlink) feedback() {
	d.mu.Lock()
	d.counters.Feedback++
	d.mu.Unlock()
}

func (d *downlink) sends(ssrc uint32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bySSRC[ssrc] != nil
}
