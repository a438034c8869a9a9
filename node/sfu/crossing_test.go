package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

func TestPicturesCrossALink(t *testing.T) {
	m, a, c, bs := two(t, 3, 2)
	m.play(a, 3*time.Second, 0, 1, 2)
	m.wait(200 * time.Millisecond)
	for _, b := range bs {
		got := b.wire.take(t)
		clean(t, got)
		camera, _ := b.ssrc(a.camera())
		mic, _ := b.ssrc(a.mic())
		video, audio := seen(t, got, camera, 0), seen(t, got, mic, 0)
		if len(video) < 3*70 || video[len(video)-1].layer != 2 {
			t.Errorf("%d packets of video, the last of encoding %d", len(video), video[len(video)-1].layer)
		}
		if len(audio) < 140 {
			t.Errorf("%d packets of audio", len(audio))
		}
	}
	if c.nacks != 0 {
		t.Errorf("%d NACKs without loss", c.nacks)
	}
	if n := c.relay.Counters(); n != (RelayCounters{Refreshes: n.Refreshes}) || n.Refreshes > 2 {
		t.Errorf("counted %+v", n)
	}
}

// TestLossIsRepairedAtTheHop: what a link loses, doubles and reorders reaches every client complete and once, and the
// sender is asked for nothing.
func TestLossIsRepairedAtTheHop(t *testing.T) {
	m, a, c, bs := two(t, 1, 2)
	m.play(a, time.Second, 0)
	c.loss, c.twice, c.jitter = 0.05, 0.1, 30*time.Millisecond
	before, asked := a.Counters(), c.plis
	m.play(a, 20*time.Second, 0)
	c.loss = 0
	m.play(a, time.Second, 0)
	m.wait(200 * time.Millisecond)
	for _, b := range bs {
		got := b.wire.take(t)
		clean(t, got)
		ssrc, _ := b.ssrc(a.camera())
		if n := len(seen(t, got, ssrc, 0)); n < 3*21*25 {
			t.Errorf("%d packets of video", n)
		}
		mic, _ := b.ssrc(a.mic())
		seen(t, got, mic, c.dropped)
	}
	n := a.Counters()
	if n.NACKsSent != before.NACKsSent || n.KeyframesAsked != before.KeyframesAsked || c.plis != asked {
		t.Errorf("the sender was asked: %+v, before %+v", n, before)
	}
	if r := c.relay.Counters(); c.dropped < 50 || r.Retransmitted < 30 || c.nacks == 0 {
		t.Errorf("%d dropped, %+v", c.dropped, r)
	}
}

// TestACut: a link is gone for 300 ms, as long as a switch to another way takes.
func TestACut(t *testing.T) {
	m, a, c, bs := two(t, 1, 1)
	m.play(a, 2*time.Second, 0)
	asked := a.Counters().KeyframesAsked
	c.cut = true
	m.play(a, 300*time.Millisecond, 0)
	c.cut = false
	m.play(a, 2*time.Second, 0)
	m.wait(200 * time.Millisecond)
	ssrc, _ := bs[0].ssrc(a.camera())
	if got := seen(t, bs[0].wire.take(t), ssrc, 0); len(got) < 3*25*4 {
		t.Errorf("%d packets", len(got))
	}
	if c.dropped < 20 || a.Counters().KeyframesAsked != asked {
		t.Errorf("%d dropped, %d key frames asked for", c.dropped, a.Counters().KeyframesAsked-asked)
	}
}

// TestLipsStayInSyncAcrossALink: a leaf's client sees sound and picture of the same time at the same time, by the sender's
// own reports.
func TestLipsStayInSyncAcrossALink(t *testing.T) {
	m, a, _, bs := two(t, 1, 1)
	const videoBase, audioBase = 77_000, 990_000
	start := m.now
	film := func() {
		a.ts[0] = uint32(videoBase) + ticks(m.now.Sub(start), 90000) - 3000
		a.film(m.now.Equal(start), 0)
		a.ts[3] = audioBase + ticks(m.now.Sub(start), 48000) - 960
		a.speak(10)
	}
	film()
	ntp := func() uint64 { return packet.NTP(m.now.Add(26 * time.Hour)) }
	a.rtcp(&rtcp.SenderReport{SSRC: cameraSSRC(0), NTPTime: ntp(), RTPTime: videoBase})
	a.rtcp(&rtcp.SenderReport{SSRC: micSSRC, NTPTime: ntp(), RTPTime: audioBase})
	m.wait(200 * time.Millisecond)
	film()
	bs[0].wire.control(t)
	m.wait(time.Second)
	camera, _ := bs[0].ssrc(a.camera())
	mic, _ := bs[0].ssrc(a.mic())
	got := bs[0].wire.take(t)
	picture, sound := on(got, camera), on(got, mic)
	at := map[uint32]time.Time{}
	for _, p := range bs[0].wire.control(t) {
		if sr, ok := p.(*rtcp.SenderReport); ok {
			rate, ts := uint32(90000), picture[len(picture)-1].Timestamp
			if sr.SSRC == mic {
				rate, ts = 48000, sound[len(sound)-1].Timestamp
			}
			at[sr.SSRC] = packet.FromNTP(sr.NTPTime).Add(-time.Duration(int32(sr.RTPTime-ts)) * time.Second / time.Duration(rate))
		}
	}
	if d := at[camera].Sub(at[mic]); len(at) != 2 || d < -2*time.Millisecond || d > 2*time.Millisecond {
		t.Errorf("%d reports, sound and picture %v apart", len(at), d)
	}
}
