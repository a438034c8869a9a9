package sfu

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

func compound(t testing.TB, ps ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(ps)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func nackOf(seqs ...uint16) rtcp.Packet {
	return &rtcp.TransportLayerNack{MediaSSRC: cameraSSRC(0), Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}
}

// TestTheSamePacketAgain: what another node asks for comes again as it was, at most once in a round trip.
func TestTheSamePacketAgain(t *testing.T) {
	r, a, y, out := pulled(t, 1)
	y.SetRTT(80 * time.Millisecond)
	a.film(true, 0)
	for range 5 {
		a.film(false, 0)
	}
	was := out.rtp
	ask := func() [][]byte {
		out.clear()
		y.Feedback(a.camera(), 0, compound(t, nackOf(a.seq[0]-18, a.seq[0]-1, a.seq[0]+5)), r.now)
		return out.rtp
	}
	want := [][]byte{was[0], was[17]}
	if diff := cmp.Diff(want, ask()); diff != "" {
		t.Error(diff)
	}
	r.now = r.now.Add(79 * time.Millisecond)
	if n := len(ask()); n != 0 {
		t.Errorf("%d packets again within a round trip", n)
	}
	r.now = r.now.Add(time.Millisecond)
	if diff := cmp.Diff(want, ask()); diff != "" {
		t.Error(diff)
	}
	if n := y.Counters(); n.Retransmitted != 4 || n.Refused != 5 {
		t.Errorf("counted %+v", n)
	}
}

// TestTheOvertakenStartOfASwitch: packets that came before the beginning of the key frame that the source switched with are
// asked for by the numbers of after the switch, and come with these.
func TestTheOvertakenStartOfASwitch(t *testing.T) {
	r, a, y, out := pulled(t, 2)
	a.film(true, 0)
	a.film(false, 1)
	r.wait(20 * time.Millisecond)
	out.clear()
	f := a.frame(1, true)
	a.send(f[1], f[0], f[2])
	if diff := cmp.Diff([]int{1, 1}, out.where); diff != "" {
		t.Fatal(diff)
	}
	numbers, _ := out.marks()
	out.clear()
	y.Feedback(a.camera(), 1, compound(t, nackOf(a.seq[1]-2)), r.now)
	again, _ := out.marks()
	if diff := cmp.Diff([]uint64{numbers[0] + 1}, again); diff != "" {
		t.Error(diff)
	}
}

// TestRetransmissionsAreBudgeted: the rate and the burst of one source.
func TestRetransmissionsAreBudgeted(t *testing.T) {
	r, a, y, _ := pulled(t, 1)
	y.SetRTT(time.Millisecond)
	big := func() {
		b := append(a.frame(0, false)[0], make([]byte, 1100)...)
		a.seq[0] -= 2
		a.send(b)
	}
	a.film(true, 0)
	for range 400 {
		big()
	}
	var seqs []uint16
	for i := range uint16(200) {
		seqs = append(seqs, a.seq[0]-1-i)
	}
	for range 100 {
		r.now = r.now.Add(20 * time.Millisecond)
		y.Feedback(a.camera(), 0, compound(t, nackOf(seqs...)), r.now)
	}
	n := y.Counters().Retransmitted
	if least, most := uint64(2*pullRate/1250), uint64((2*pullRate+pullBurst)/1150); n < least || n > most {
		t.Errorf("%d packets in two seconds, want %d to %d", n, least, most)
	}
}

// TestRefreshesAreLimited: a node that asks for key frames all the time gets some.
func TestRefreshesAreLimited(t *testing.T) {
	r, a, y, _ := pulled(t, 1)
	y.SetRTT(20 * time.Millisecond)
	a.film(true, 0)
	r.wait(300 * time.Millisecond)
	a.wire.plis(t)
	asked := 0
	for range 100 {
		a.film(false, 0)
		for i := range 5 {
			ps := []rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: cameraSSRC(0)}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: cameraSSRC(0)}}}}
			y.Feedback(a.camera(), 0, compound(t, ps[i%2]), r.now)
		}
		r.wait(100 * time.Millisecond)
		asked += len(a.wire.plis(t))
	}
	if asked < 8 || asked > 50 || y.Counters().Refreshes > 21 {
		t.Errorf("%d requests in 10 s, %+v", asked, y.Counters())
	}
}

// TestARequestThatCrossesAKeyFrame is answered by it.
func TestARequestThatCrossesAKeyFrame(t *testing.T) {
	r, a, y, _ := pulled(t, 1)
	y.SetRTT(100 * time.Millisecond)
	for step, c := range []struct {
		after time.Duration
		want  int
	}{{99 * time.Millisecond, 0}, {100 * time.Millisecond, 1}} {
		a.film(false, 0)
		r.wait(time.Second)
		a.film(true, 0)
		a.wire.plis(t)
		r.now = r.now.Add(c.after)
		y.Feedback(a.camera(), 0, compound(t, &rtcp.PictureLossIndication{MediaSSRC: cameraSSRC(0)}), r.now)
		if n := len(a.wire.plis(t)); n != c.want {
			t.Errorf("step %d: %d requests", step, n)
		}
	}
}

// TestFeedbackAboutNothing: sources that are not pulled, encodings that are not there, what is not RTCP.
func TestFeedbackAboutNothing(t *testing.T) {
	r, a, y, out := pulled(t, 1)
	b := r.join(2, 1)
	a.film(true, 0)
	r.wait(time.Second)
	a.wire.plis(t)
	b.wire.plis(t)
	out.clear()
	both := compound(t, nackOf(a.seq[0]-1), &rtcp.PictureLossIndication{MediaSSRC: cameraSSRC(0)}, &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{}}})
	y.Feedback(b.camera(), 0, both, r.now)
	y.Feedback("", 0, both, r.now)
	y.Feedback(a.camera(), 1, both, r.now)
	y.Feedback(a.camera(), -1, both, r.now)
	y.Feedback(a.mic(), 0, both, r.now)
	y.Feedback(a.camera(), 0, []byte{0x80, 205, 0, 9}, r.now)
	r.do(r.room.Pull(r.now, "far", a.camera(), 0))
	y.Feedback(a.camera(), 0, both, r.now)
	r.do(r.room.LeaveRelay(r.now, "far"))
	y.Feedback(a.camera(), 0, both, r.now)
	y.Feedback(a.mic(), 0, both, r.now)
	if len(out.rtp) != 0 || len(a.wire.plis(t)) != 0 || len(b.wire.plis(t)) != 0 || y.Counters().Malformed != 1 {
		t.Errorf("%d packets, %+v", len(out.rtp), y.Counters())
	}
}

// FuzzBetweenNodes: whatever another node sends harms nobody.
func FuzzBetweenNodes(f *testing.F) {
	r := newRig(f)
	sender := r.known(1)
	plain := sender.frame(0, true)[0]
	f.Add(plain, 0)
	f.Add(packet.AppendMarked(nil, plain, packet.NewMark(0).WithCycle(5).WithPicture(true, &packet.Descriptor{})), 0)
	f.Add(packet.AppendMarked(nil, reshape(f, plain, 0x1000), packet.NewMark(1).WithCycle(5)), 1)
	f.Add(compound(f, nackOf(3, 4), &rtcp.PictureLossIndication{}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{}}}), 0)
	f.Add(compound(f, &rtcp.SenderReport{SSRC: cameraSSRC(0), NTPTime: 1 << 63, Reports: []rtcp.ReceptionReport{{}}}), 0)
	f.Fuzz(func(t *testing.T, b []byte, encoding int) {
		r := newRig(t)
		a := r.known(1)
		delete(r.people, 1) // it is elsewhere
		m := r.room.JoinRemote(r.now, a.id, deaf{})
		r.do(r.room.SetSources(r.now, a.id, a.source(2)))
		c := r.join(2, 1)
		y := r.room.JoinRelay(r.now, "far", &lane{})
		r.do(r.room.Pull(r.now, "far", a.camera(), 720))
		mark := packet.NewMark(0).WithCycle(5).WithPicture(true, &packet.Descriptor{})
		for i := range 3 {
			m.RTP(a.camera(), 0, packet.AppendMarked(nil, a.frame(0, true)[i], mark), r.now)
		}
		m.RTP(a.camera(), encoding, append([]byte(nil), b...), r.now)
		m.RTP(a.mic(), encoding, append([]byte(nil), b...), r.now)
		m.RTCP(a.camera(), encoding, b, r.now)
		y.Feedback(a.camera(), encoding, b, r.now)
		m.Tick(r.now)
		r.wait(20 * time.Millisecond)
		for _, b := range c.wire.rtp {
			var p rtp.Packet
			if p.Unmarshal(b) != nil {
				continue // came so
			}
			if packet.ReadMark(b).Present() {
				t.Fatalf("a client got the mark of %x", b)
			}
		}
	})
}
