package sfu

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// stream has a film of every layer for d, one frame every 40 ms, with key frames where they are asked for, and returns
// what w got.
func (p *person) stream(d time.Duration, w *wire, layers ...int) []media {
	var got []media
	for end := p.r.now.Add(d); p.r.now.Before(end); {
		asked := p.wire.plis(p.r.t)
		for _, l := range layers {
			p.film(slices.Contains(asked, cameraSSRC(l)), l)
		}
		p.r.wait(40 * time.Millisecond)
		got = append(got, w.take(p.r.t)...)
	}
	return got
}

func TestTheHighestWantedEncoding(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join(1, 3), r.join(2, 3), r.join(3, 3)
	last := func(p *person) (layer byte) {
		ssrc, _ := p.ssrc(a.camera())
		got := on(a.stream(time.Second, p.wire, 0, 1, 2), ssrc)
		if len(got) == 0 {
			t.Fatal("no video")
		}
		return got[len(got)-1].layer
	}
	if l := last(b); l != 2 {
		t.Errorf("encoding %d for somebody who wants 720", l)
	}
	b.want(-1, 180)
	if l := last(b); l != 2 {
		t.Errorf("encoding %d while somebody else wants 720", l)
	}
	c.want(-1, 360)
	if l := last(b); l != 1 {
		t.Errorf("encoding %d while somebody else wants 360", l)
	}
	c.want(-1, 0)
	if l := last(b); l != 0 {
		t.Errorf("encoding %d when 180 is wanted", l)
	}
	heights := []int{}
	for _, e := range of[SenderConstraints](r.effects()) {
		if e.Source == a.camera() {
			heights = append(heights, e.MaxHeight)
		}
	}
	if diff := cmp.Diff([]int{720, 360, 180}, heights); diff != "" {
		t.Errorf("the sender was told %s", diff)
	}
}

func TestDownWhenTheEncodingFallsSilent(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	a.stream(time.Second, b.wire, 0, 1, 2)
	got := a.stream(time.Second, b.wire, 0, 1)
	if len(got) == 0 || got[0].layer != 1 || got[len(got)-1].layer != 1 {
		t.Fatalf("%d packets after the highest encoding fell silent", len(got))
	}
	if n := len(got) / 3; n < 8 {
		t.Errorf("%d frames of 25 in the second that it took", n)
	}
	got = a.stream(time.Second, b.wire, 0, 1, 2)
	if got[len(got)-1].layer != 2 {
		t.Error("does not go up when the highest encoding comes back")
	}
}

func TestStartsOnTheFirstKeyFrameAndGoesUp(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	for l := range 3 {
		a.film(true, l)
	}
	var layers []byte
	for _, m := range b.wire.take(t) {
		layers = append(layers, m.layer)
	}
	if diff := cmp.Diff([]byte{0, 0, 0, 1, 1, 1, 2, 2, 2}, layers); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheTopIsSent(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	b.want(-1, 180)
	got := a.stream(time.Second, b.wire, 2)
	if len(got) == 0 || got[len(got)-1].layer != 2 {
		t.Errorf("%d packets of a sender who has only a higher encoding than wanted", len(got))
	}
}

func TestHeightsAreThoseOfKeyFrames(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 2), r.join(2, 1) // two encodings: 180 and 360 by their key frames, 360 and 720 by convention
	a.film(true, 0, 1)
	b.wire.take(t)
	b.want(-1, 360)
	got := a.stream(time.Second, b.wire, 0, 1)
	if got[len(got)-1].layer != 1 {
		t.Errorf("encoding %d for 360", got[len(got)-1].layer)
	}
}

func TestLatePacketsAroundASwitch(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	first := a.frame(0, true)
	old := a.frame(0, false)
	oldKey := a.frame(0, true)
	a.send(first...)
	a.send(old[0], old[2])
	a.film(true, 2)
	before := b.wire.take(t)
	a.send(old[1])
	got := b.wire.take(t)
	if len(got) != 1 || got[0].SequenceNumber != before[3].SequenceNumber+1 || got[0].layer != 0 {
		t.Errorf("%d packets for the gap before the switch", len(got))
	}
	a.send(oldKey...)
	if got := b.wire.take(t); len(got) != 0 {
		t.Errorf("%d packets of the old encoding after the switch, from %d on", len(got), got[0].SequenceNumber)
	}
	a.film(false, 2)
	if got := b.wire.take(t); len(got) != 3 || got[0].SequenceNumber != before[7].SequenceNumber+1 {
		t.Errorf("%d packets of the new encoding", len(got))
	}
}

func TestALateKeyFrameOfTheOldEncodingIsNoSwitch(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 3)
	a.film(true, 0)
	late := a.frame(0, true)
	a.send(late[1:]...)
	a.film(true, 2)
	b.wire.take(t)
	a.send(late[0])
	got := b.wire.take(t)
	a.film(false, 2)
	got = append(got, b.wire.take(t)...)
	if len(got) != 4 || got[3].layer != 2 || int16(got[0].SequenceNumber-got[1].SequenceNumber) >= 0 {
		t.Errorf("%d packets", len(got))
	}
}

// TestASenderStartsAnew: the numbers of an encoding jump, as when its encoder is made anew.
func TestASenderStartsAnew(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	ssrc, _ := b.ssrc(a.camera())
	a.film(true, 0)
	a.film(false, 0)
	lost := a.frame(0, false)
	a.send(lost[0], lost[2])
	before := b.wire.take(t)
	old := before[0].SequenceNumber
	if place, ok := b.slot(a.camera()).stream.Locate(old); ok {
		old = place.Seq
	}
	a.seq[0] -= 20_000
	a.film(false, 0)
	a.film(false, 0)
	if n := len(b.wire.take(t)); n != 0 {
		t.Errorf("%d packets before a key frame", n)
	}
	a.wire.control(t)
	a.film(false, 0)
	r.wait(20 * time.Millisecond)
	asked := 0
	for _, p := range a.wire.control(t) {
		switch p.(type) {
		case *rtcp.PictureLossIndication:
			asked++
		case *rtcp.TransportLayerNack:
			t.Error("asks for packets of before")
		}
	}
	if asked != 1 {
		t.Errorf("%d key frames asked for", asked)
	}
	a.film(true, 0)
	a.film(false, 0)
	got := b.wire.take(t)
	last := before[len(before)-1]
	if len(got) != 6 || got[0].SequenceNumber != last.SequenceNumber+1 || int32(got[0].Timestamp-last.Timestamp) <= 0 {
		t.Fatalf("%d packets, the first %+v after %+v", len(got), got[0].Header, last.Header)
	}
	// And again, to where it was: what the cache holds now is something else.
	a.seq[0] = old
	a.film(false, 0)
	a.film(false, 0)
	a.film(true, 0)
	b.wire.take(t)
	b.rtcp(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{before[1].SequenceNumber})})
	if n := len(b.wire.take(t)); n != 0 {
		t.Error("a packet of before was sent again")
	}
}

// TestContinuousOverEverything changes what is wanted, loses packets and lets encodings come and go at random: what the
// receiver gets is one stream without holes but for what was lost, in which every switch begins with a key frame.
func TestContinuousOverEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		a, b := r.join(1, 3), r.join(2, 3)
		ssrc, rtx := b.ssrc(a.camera())
		sending := []int{0, 1, 2}
		var got []media
		retransmitted := map[uint16]bool{}
		for range rapid.IntRange(10, 120).Draw(rt, "frames") {
			switch rapid.IntRange(0, 20).Draw(rt, "event") {
			case 0:
				b.want(-1, rapid.SampledFrom([]int{0, 90, 180, 360, 720, -1}).Draw(rt, "height"))
			case 1:
				sending = rapid.SampledFrom([][]int{{0, 1, 2}, {0, 1}, {0}, {2}, {1, 2}}).Draw(rt, "sending")
			}
			asked := a.wire.plis(t)
			for _, l := range sending {
				packets := a.frame(l, slices.Contains(asked, cameraSSRC(l)) || rapid.IntRange(0, 30).Draw(rt, "key") == 0)
				switch rapid.IntRange(0, 9).Draw(rt, "fate") {
				case 0:
					packets = packets[:2]
				case 1:
					packets[1], packets[2] = packets[2], packets[1]
				case 2:
					packets = append(packets, packets[0])
				}
				a.send(packets...)
			}
			r.wait(time.Duration(rapid.IntRange(1, 60).Draw(rt, "ms")) * time.Millisecond)
			for _, m := range b.wire.take(t) {
				switch m.SSRC {
				case ssrc:
					got = append(got, m)
				case rtx:
					retransmitted[m.SequenceNumber] = true
				}
			}
		}
		slices.SortStableFunc(got, func(x, y media) int { return int(int16(x.SequenceNumber - y.SequenceNumber)) })
		for i := 1; i < len(got); i++ {
			x, y := got[i-1], got[i]
			step := y.SequenceNumber - x.SequenceNumber
			if step == 0 {
				rt.Fatalf("sequence number %d twice", x.SequenceNumber)
			}
			if int32(y.Timestamp-x.Timestamp) < 0 {
				rt.Fatalf("timestamp goes back at %d", y.SequenceNumber)
			}
			picture := (y.vp8.PictureID - x.vp8.PictureID) & 0x7fff
			switch {
			case x.layer != y.layer:
				if step != 1 || y.vp8.S != 1 || y.vp8.Payload[0]&1 != 0 {
					rt.Fatalf("switch from encoding %d to %d with a step of %d, start %d", x.layer, y.layer, step, y.vp8.S)
				}
				if picture != 1 || y.vp8.TL0PICIDX != x.vp8.TL0PICIDX+1 {
					rt.Fatalf("switch with picture id %d after %d", y.vp8.PictureID, x.vp8.PictureID)
				}
			case step > 6:
				rt.Fatalf("%d packets missing, at most every third of a frame was lost", step-1)
			case picture > 2:
				rt.Fatalf("picture id %d after %d", y.vp8.PictureID, x.vp8.PictureID)
			}
		}
	})
}
