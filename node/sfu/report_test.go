package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// TestLipsStayInSync lets a sender whose clock is a day off report both of its streams. At the receiver, by its sender
// reports, a sound and a picture that were taken at the same time are at the same time.
func TestLipsStayInSync(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 1)
	theirs := func(at time.Time) uint64 { return packet.NTP(at.Add(26 * time.Hour)) }
	const videoBase, audioBase = 77_000, 990_000
	film := func(layer int, key bool) {
		a.ts[layer] = uint32(videoBase+10_000*layer) + ticks(r.now.Sub(begin), 90000) - 3000
		a.film(key, layer)
	}
	film(0, true)
	r.wait(time.Second)
	film(1, true) // a switch: the offsets are not 0
	a.ts[3] = audioBase + ticks(r.now.Sub(begin), 48000) - 960
	a.speak(10)
	got := b.wire.take(t)
	camera, _ := b.ssrc(a.camera())
	mic, _ := b.ssrc(a.mic())
	sound, picture := on(got, mic), on(got, camera)
	taken := r.now
	if len(sound) != 1 || len(picture) != 6 {
		t.Fatalf("%d packets of sound, %d of picture", len(sound), len(picture))
	}
	a.rtcp(&rtcp.SenderReport{SSRC: cameraSSRC(1), NTPTime: theirs(r.now), RTPTime: videoBase + 10_000 + ticks(r.now.Sub(begin), 90000)})
	r.now = r.now.Add(30 * time.Millisecond) // the other report takes longer
	a.rtcp(&rtcp.SenderReport{SSRC: micSSRC, NTPTime: theirs(r.now.Add(-30 * time.Millisecond)), RTPTime: audioBase + ticks(taken.Sub(begin), 48000)})
	b.wire.control(t)
	r.wait(100 * time.Millisecond)
	at := map[uint32]time.Time{}
	for _, p := range b.wire.control(t) {
		sr, ok := p.(*rtcp.SenderReport)
		if !ok {
			continue
		}
		rate, ts := uint32(90000), picture[5].Timestamp
		if sr.SSRC == mic {
			rate, ts = 48000, sound[0].Timestamp
		}
		back := time.Duration(int32(sr.RTPTime-ts)) * time.Second / time.Duration(rate)
		at[sr.SSRC] = packet.FromNTP(sr.NTPTime).Add(-back)
		if sr.SSRC == camera && (sr.PacketCount != 6 || sr.OctetCount == 0) {
			t.Errorf("counted %d packets, %d octets", sr.PacketCount, sr.OctetCount)
		}
	}
	if len(at) != 2 {
		t.Fatalf("reports of %d streams", len(at))
	}
	if d := at[camera].Sub(at[mic]); d < -2*time.Millisecond || d > 2*time.Millisecond {
		t.Errorf("picture and sound are %v apart", d)
	}
	if d := at[camera].Sub(taken); d < -2*time.Millisecond || d > 2*time.Millisecond {
		t.Errorf("the picture was taken %v off", d)
	}
}

func TestTheQuickestReportSetsTheClock(t *testing.T) {
	var c clockOffset
	theirs := begin.Add(-time.Hour)
	c.ours(theirs, begin.Add(80*time.Millisecond))
	for _, delay := range []time.Duration{10, 300, 50, 200} {
		theirs = theirs.Add(time.Second)
		now := theirs.Add(time.Hour + delay*time.Millisecond)
		if d := c.ours(theirs, now).Sub(theirs.Add(time.Hour)); d < 0 || d > 30*time.Millisecond {
			t.Errorf("a report %v late puts the clock %v off", delay*time.Millisecond, d)
		}
	}
	now := theirs.Add(time.Minute) // their clock was set
	if got := c.ours(theirs, now); !got.Equal(now) {
		t.Errorf("after their clock was set: %v, want %v", got, now)
	}
}

func TestOneReportASecond(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	a.rtcp(&rtcp.SenderReport{SSRC: micSSRC, NTPTime: packet.NTP(r.now), RTPTime: 1})
	n := 0
	for range 250 {
		a.speak(1)
		r.wait(20 * time.Millisecond)
		for _, p := range b.wire.control(t) {
			if _, ok := p.(*rtcp.SenderReport); ok {
				n++
			}
		}
	}
	if n != 5 {
		t.Errorf("%d reports in 5 s", n)
	}
	r.wait(5 * time.Second)
	b.wire.control(t)
	r.wait(5 * time.Second)
	for _, p := range b.wire.control(t) {
		if _, ok := p.(*rtcp.SenderReport); ok {
			t.Fatal("report of a stream that is silent")
		}
	}
}

func TestReceiverReports(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	_ = b
	a.rtcp(&rtcp.SenderReport{SSRC: cameraSSRC(0), NTPTime: 0x1122334455667788, RTPTime: 1})
	a.film(true, 0)
	for range 24 {
		packets := a.frame(0, false)
		a.send(packets[0], packets[2])
		r.now = r.now.Add(40 * time.Millisecond)
	}
	a.wire.control(t)
	a.Participant.Tick(r.now)
	for _, p := range a.wire.control(t) {
		rr, ok := p.(*rtcp.ReceiverReport)
		if !ok || len(rr.Reports) == 0 {
			continue
		}
		b := rr.Reports[0]
		if b.SSRC != cameraSSRC(0) || b.FractionLost < 80 || b.FractionLost > 84 || b.TotalLost != 24 || b.LastSenderReport != 0x33445566 {
			t.Errorf("report %+v", b)
		}
		if want := uint32(r.now.Sub(begin) * 65536 / time.Second); b.Delay != want {
			t.Errorf("delay %d, want %d", b.Delay, want)
		}
		return
	}
	t.Error("no report")
}

func TestRoundTripTime(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	a.speak(1)
	mic, _ := b.ssrc(a.mic())
	sent := uint32(packet.NTP(r.now) >> 16)
	r.now = r.now.Add(250 * time.Millisecond)
	b.rtcp(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: mic, LastSenderReport: sent, Delay: 65536 / 5}}})
	if d := b.roundTrip(); d < 48*time.Millisecond || d > 52*time.Millisecond {
		t.Errorf("round trip %v, want 50 ms", d)
	}
	b.rtcp(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: mic, LastSenderReport: sent + 1<<20}, {SSRC: 5, LastSenderReport: 5}}})
	if d := b.roundTrip(); d > 52*time.Millisecond {
		t.Errorf("round trip %v after nonsense", d)
	}
}

// TestReportsComeFromTheSSRCThatWasTold: what is told of the node's own SSRCs holds, and no slot takes one of them.
func TestReportsComeFromTheSSRCThatWasTold(t *testing.T) {
	r := newRig(t)
	r.join(1, 3)
	b := r.join(2, 1)
	audio, video := b.ReportSSRCs()
	if audio == 0 || video == 0 || audio == video {
		t.Fatalf("reports from %d and %d", audio, video)
	}
	for _, s := range b.down.slots {
		if s.ssrc == audio || s.ssrc == video || s.rtx == audio || s.rtx == video {
			t.Errorf("slot of %s is on an SSRC of the node's own", s.source.name)
		}
	}
	b.film(true, 0)
	r.wait(2 * time.Second)
	got := 0
	for _, p := range b.wire.control(t) {
		if rr, ok := p.(*rtcp.ReceiverReport); ok {
			got++
			if rr.SSRC != video {
				t.Errorf("a report from %d, want %d", rr.SSRC, video)
			}
		}
	}
	if got == 0 {
		t.Error("no receiver report")
	}
}
