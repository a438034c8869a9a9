package sfu

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
)

func TestRequestsAreMerged(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 1)
	var viewers []*person
	for n := byte(2); n < 12; n++ {
		viewers = append(viewers, r.join(n, 1))
	}
	a.film(true, 0)
	r.now = r.now.Add(time.Second)
	a.film(false, 0)
	a.wire.control(t)
	complain := func() {
		for _, v := range viewers {
			ssrc, _ := v.ssrc(a.camera())
			v.rtcp(&rtcp.PictureLossIndication{MediaSSRC: ssrc})
		}
	}
	complain()
	if diff := cmp.Diff([]uint32{cameraSSRC(0)}, a.wire.plis(t)); diff != "" {
		t.Errorf("ten viewers at once: %s", diff)
	}
	var times []time.Duration
	from := r.now
	for range 12 {
		complain()
		r.wait(50 * time.Millisecond)
		a.film(false, 0)
		for range a.wire.plis(t) {
			times = append(times, r.now.Sub(from))
		}
	}
	if len(times) < 2 || len(times) > 3 {
		t.Errorf("asked at %v, want every 200 ms at most", times)
	}
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] < apart {
			t.Errorf("asked at %v", times)
		}
	}
}

func TestAKeyFrameAnswersTheRequestsBefore(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	c := r.join(3, 1)
	a.film(true, 0)
	r.wait(time.Second)
	a.film(false, 0)
	a.wire.control(t)
	for _, v := range []*person{b, c} {
		ssrc, _ := v.ssrc(a.camera())
		v.rtcp(&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: ssrc, SequenceNumber: 1}}})
		r.now = r.now.Add(20 * time.Millisecond)
	}
	if n := len(a.wire.plis(t)); n != 1 {
		t.Fatalf("%d requests", n)
	}
	a.film(true, 0)
	r.wait(300 * time.Millisecond)
	if n := len(a.wire.plis(t)); n != 0 {
		t.Errorf("%d requests after the key frame came", n)
	}
}

func TestOneReceiverCannotAskWithoutEnd(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	a.film(true, 0)
	ssrc, _ := b.ssrc(a.camera())
	r.wait(time.Second)
	a.wire.control(t)
	asked := 0
	for range 100 {
		a.film(true, 0)
		b.rtcp(&rtcp.PictureLossIndication{MediaSSRC: ssrc})
		r.wait(90 * time.Millisecond)
		asked += len(a.wire.plis(t))
	}
	if asked != perSlot {
		t.Errorf("%d requests in 9 s, want %d", asked, perSlot)
	}
	r.wait(2 * time.Second)
	a.film(true, 0)
	b.rtcp(&rtcp.PictureLossIndication{MediaSSRC: ssrc})
	r.wait(20 * time.Millisecond)
	if n := len(a.wire.plis(t)); n != 1 {
		t.Errorf("%d requests after ten seconds", n)
	}
}

func TestAskedAgainWhileSomebodyWaits(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 1)
	a.film(true, 0)
	r.wait(time.Second)
	a.film(false, 0)
	a.wire.control(t)
	b := r.join(2, 1)
	asked := len(a.wire.plis(t))
	if asked != 1 {
		t.Fatalf("%d requests when somebody joins", asked)
	}
	for range 24 {
		r.wait(40 * time.Millisecond)
		a.film(false, 0)
		asked += len(a.wire.plis(t))
	}
	if asked != 2 {
		t.Errorf("%d requests in a second of waiting, want 2", asked)
	}
	a.film(true, 0)
	if n := len(b.wire.take(t)); n != 3 {
		t.Errorf("%d packets of the key frame", n)
	}
	r.wait(time.Second)
	if n := len(a.wire.plis(t)); n != 0 {
		t.Errorf("%d requests when nobody waits", n)
	}
}

func TestNobodyIsAskedInVain(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	_ = b
	r.wait(2 * time.Second)
	if n := len(a.wire.plis(t)); n != 0 {
		t.Errorf("%d requests to a sender who sends nothing", n)
	}
	a.film(true, 0)
	if n := len(b.wire.take(t)); n != 3 {
		t.Errorf("%d packets of the first frame", n)
	}
	r.wait(2 * time.Second) // falls silent
	a.wire.control(t)
	c := r.join(3, 1)
	_ = c
	r.wait(2 * time.Second)
	if n := len(a.wire.plis(t)); n != 0 {
		t.Errorf("%d requests to a sender who fell silent", n)
	}
}
