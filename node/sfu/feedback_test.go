package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// TestFeedbackToTheSender: every transport-wide number of every stream, also of probes and unknown SSRCs, is reported
// within 100 ms, about an SSRC of the sender.
func TestFeedbackToTheSender(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 3)
	for range 50 {
		a.film(true, 0, 1, 2)
		a.speak(1)
		r.wait(20 * time.Millisecond)
	}
	unknown := a.packet(0, false, false, false)
	unknown[8] ^= 1
	a.send(unknown)
	r.wait(100 * time.Millisecond)
	reported, count := 0, -1
	for _, p := range a.wire.control(t) {
		f, ok := p.(*rtcp.TransportLayerCC)
		if !ok {
			continue
		}
		reported += int(f.PacketStatusCount)
		if count >= 0 && int(f.FbPktCount) != count+1 {
			t.Errorf("feedback %d after %d", f.FbPktCount, count)
		}
		count = int(f.FbPktCount)
		if f.MediaSSRC != micSSRC && (f.MediaSSRC < cameraSSRC(0) || f.MediaSSRC > cameraSSRC(2)) {
			t.Errorf("about SSRC %d", f.MediaSSRC)
		}
	}
	if reported != int(a.tcc) {
		t.Errorf("%d of %d packets reported", reported, a.tcc)
	}
	if count < 14 || count > 25 {
		t.Errorf("%d feedback packets in 1.1 s", count+1)
	}
}

func TestFeedbackFromReceiversIsCounted(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	camera, _ := b.ssrc(a.camera())
	b.rtcp(&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1e6, SSRCs: []uint32{camera}})
	b.rtcp(&rtcp.TransportLayerCC{
		Header:             rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5},
		MediaSSRC:          camera,
		PacketStatusCount:  1,
		PacketChunks:       []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 1}},
		RecvDeltas:         []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250}},
		BaseSequenceNumber: 1,
	})
	if c := b.Counters(); c.Feedback != 2 || c.MalformedRTCP != 0 {
		t.Errorf("counters %+v", c)
	}
}

func FuzzControl(f *testing.F) {
	seed, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: micSSRC, Reports: []rtcp.ReceptionReport{{SSRC: 1, LastSenderReport: 1}}},
		&rtcp.TransportLayerNack{MediaSSRC: 108000, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 0xffff}}},
		&rtcp.PictureLossIndication{MediaSSRC: 108000},
		&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 108000}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{0x8f, 205, 0, 1, 0, 0, 0, 0})
	r := newRig(f)
	a, b := r.join(1, 1), r.join(2, 1)
	a.film(true, 0)
	f.Fuzz(func(t *testing.T, compound []byte) {
		b.RTCP(compound, r.now)
		a.RTP(compound, r.now)
		b.wire.rtp, a.wire.rtcp = nil, nil
	})
}
