package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/google/go-cmp/cmp"
)

// original returns what a retransmission carries: the sequence number and the packet without it.
func original(m media) (uint16, []byte) {
	return uint16(m.Payload[0])<<8 | uint16(m.Payload[1]), m.Payload[2:]
}

func TestNACKIsAnsweredFromTheRing(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	ssrc, rtx := b.ssrc(a.camera())
	a.film(true, 0)
	for range 3 {
		a.film(false, 0)
	}
	sent := b.wire.take(t)
	nack := func(seqs ...uint16) []media {
		b.rtcp(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)})
		return b.wire.take(t)
	}
	got := nack(sent[4].SequenceNumber, sent[7].SequenceNumber)
	if len(got) != 2 {
		t.Fatalf("%d packets, want 2", len(got))
	}
	for i, want := range []media{sent[4], sent[7]} {
		m := got[i]
		seq, body := original(m)
		if m.SSRC != rtx || m.PayloadType != 96 || seq != want.SequenceNumber || m.Timestamp != want.Timestamp || m.Marker != want.Marker {
			t.Errorf("retransmission %+v of %d, want %+v", m.Header, seq, want.Header)
		}
		if diff := cmp.Diff(want.Payload, body); diff != "" {
			t.Errorf("payload: %s", diff)
		}
	}
	if got[1].SequenceNumber != got[0].SequenceNumber+1 {
		t.Errorf("retransmissions are numbered %d, %d", got[0].SequenceNumber, got[1].SequenceNumber)
	}
	if n := len(nack(sent[4].SequenceNumber)); n != 0 {
		t.Error("sent again within a round trip")
	}
	r.now = r.now.Add(defaultRTT)
	if n := len(nack(sent[4].SequenceNumber)); n != 1 {
		t.Error("not sent again after a round trip")
	}
	if n := len(nack(sent[11].SequenceNumber+1, sent[0].SequenceNumber-1)); n != 0 {
		t.Error("packets that were never sent")
	}
}

func TestRetransmissionAcrossASwitch(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	ssrc, _ := b.ssrc(a.camera())
	a.film(true, 0)
	a.film(false, 0)
	a.film(true, 2)
	a.film(false, 2)
	sent := b.wire.take(t)
	for _, want := range []media{sent[1], sent[4], sent[7], sent[10]} {
		b.rtcp(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{want.SequenceNumber})})
		got := b.wire.take(t)
		if len(got) != 1 {
			t.Fatalf("packet %d of encoding %d was not sent again", want.SequenceNumber, want.layer)
		}
		_, body := original(got[0])
		if diff := cmp.Diff(want.Payload, body); diff != "" || got[0].Timestamp != want.Timestamp {
			t.Errorf("encoding %d: timestamp %d, want %d; payload %s", want.layer, got[0].Timestamp, want.Timestamp, diff)
		}
	}
}

func TestRetransmissionsAreBounded(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	ssrc, _ := b.ssrc(a.camera())
	a.film(true, 0)
	big := make([]byte, 1100)
	for range 300 {
		a.send(append(a.packet(0, false, false, true), big...))
		r.now = r.now.Add(time.Millisecond)
	}
	sent := b.wire.take(t)
	var all []uint16
	for _, m := range sent {
		all = append(all, m.SequenceNumber)
	}
	octets := 0
	ask := func() {
		b.rtcp(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(all)})
		for _, m := range b.wire.take(t) {
			octets += len(m.Payload) - 2 + headerSize
		}
	}
	ask()
	if octets < 100<<10 || octets > budgetBurst {
		t.Errorf("%d bytes at once", octets)
	}
	octets = 0
	for range 10 {
		r.now = r.now.Add(100 * time.Millisecond)
		ask()
	}
	if octets < budgetRate/2 || octets > budgetRate {
		t.Errorf("%d bytes in a second", octets)
	}
	if b.Counters().Refused == 0 {
		t.Error("nothing was refused")
	}
}

func TestLossOnTheWayInIsRepairedForEverybody(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	c := r.join(3, 1)
	a.film(true, 0)
	b.wire.take(t)
	c.wire.take(t)
	lost := a.frame(0, false)
	a.send(lost[0], lost[2])
	a.wire.control(t)
	r.wait(20 * time.Millisecond)
	var asked []uint16
	for _, p := range a.wire.control(t) {
		if p, ok := p.(*rtcp.TransportLayerNack); ok {
			if p.MediaSSRC != cameraSSRC(0) {
				t.Errorf("asked about %d", p.MediaSSRC)
			}
			for _, n := range p.Nacks {
				asked = append(asked, n.PacketList()...)
			}
		}
	}
	want := uint16(lost[1][2])<<8 | uint16(lost[1][3])
	if diff := cmp.Diff([]uint16{want}, asked); diff != "" {
		t.Fatalf("asked: %s", diff)
	}
	a.send(retransmission(lost[1], 0, 7))
	for _, p := range []*person{b, c} {
		got := p.wire.take(t)
		if len(got) != 3 || got[2].SequenceNumber != got[0].SequenceNumber+1 || got[2].PayloadType != 100 {
			t.Errorf("%d packets, the last %+v", len(got), got[len(got)-1].Header)
		}
	}
	a.send(retransmission(lost[1], 0, 8))
	a.send(lost[1])
	if len(b.wire.take(t)) != 0 {
		t.Error("the same packet twice")
	}
	counters := a.Counters()
	if counters.Recovered != 1 || counters.Duplicates != 2 || counters.NACKsSent != 1 {
		t.Errorf("counters %+v", counters)
	}
}

// retransmission wraps a packet of camera encoding layer as its sender would.
func retransmission(b []byte, layer int, seq uint16) []byte {
	out := append([]byte{}, b[:headerSize]...)
	out[1] = out[1]&0x80 | 96
	out[2], out[3] = byte(seq>>8), byte(seq)
	ssrc := cameraRTX(layer)
	out[8], out[9], out[10], out[11] = byte(ssrc>>24), byte(ssrc>>16), byte(ssrc>>8), byte(ssrc)
	out = append(out, b[2], b[3])
	return append(out, b[headerSize:]...)
}

func TestProbesAreDropped(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	a.film(true, 0)
	b.wire.take(t)
	probe := retransmission(a.packet(0, false, false, false), 0, 1)[:headerSize]
	probe = append(probe, 0, 0, 0, 4)
	probe[0] |= 0x20
	a.send(probe)
	if got, c := b.wire.take(t), a.Counters(); len(got) != 0 || c.Malformed != 0 || c.Unknown != 0 {
		t.Errorf("%d packets, counters %+v", len(got), c)
	}
}

func TestGivenUpLossAsksForAKeyFrame(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	_ = b
	a.film(true, 0)
	r.wait(100 * time.Millisecond)
	lost := a.frame(0, false)
	a.send(lost[0], lost[2])
	a.wire.control(t)
	asked := 0
	for range 30 {
		a.film(false, 0)
		r.wait(40 * time.Millisecond)
		asked += len(a.wire.plis(t))
	}
	if asked == 0 {
		t.Error("no key frame was asked for")
	}
}
