package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// TestASenderChangesItsCodec: on the same SSRC, without a word. The new codec begins with its key frame, which is asked
// for; what comes of the old one afterwards is left out.
func TestASenderChangesItsCodec(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	a.codec, a.num[0] = AV1, 40000
	a.film(true, 0)
	a.film(false, 0)
	late := a.frame(0, false)
	got := b.wire.take(t)
	r.wait(time.Second)
	a.wire.control(t)

	a.codec = VP9
	a.film(false, 0)
	r.wait(20 * time.Millisecond)
	if n := len(b.wire.take(t)); n != 0 {
		t.Errorf("%d packets of the new codec before a key frame", n)
	}
	if n := len(a.wire.plis(t)); n != 1 {
		t.Errorf("%d key frames asked for", n)
	}
	a.film(true, 0)
	a.send(late...)
	a.film(false, 0)
	got = append(got, b.wire.take(t)...)
	if len(got) != 12 {
		t.Errorf("%d packets, want two frames of each codec", len(got))
	}
	checkStream(t, got)
	ssrc, _ := b.ssrc(a.camera())
	b.rtcp(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: got[1].SequenceNumber}, {PacketID: got[7].SequenceNumber}}})
	if again := b.wire.take(t); len(again) != 1 || again[0].codec != VP9 || !again[0].again {
		t.Errorf("sent again: %+v", again)
	}
	r.wait(time.Second)
	if n := len(a.wire.plis(t)); n != 0 {
		t.Errorf("%d key frames asked for when the new codec runs", n)
	}
}
