package sfu

import (
	"testing"

	"github.com/pion/rtp"
)

// h264 builds a packet of a's camera with the payload given.
func (p *person) h264(marker bool, payload ...byte) []byte {
	h := rtp.Header{Version: 2, PayloadType: 107, SSRC: cameraSSRC(0), SequenceNumber: p.seq[0], Timestamp: p.ts[0], Marker: marker}
	p.seq[0]++
	return p.marshal(h, payload)
}

// TestASliceStartsNothingInTheMiddleOfAFrame: an H264 decoder needs the parameter sets before the slices. When the packet
// before an IDR slice is missing, it may have held them.
func TestASliceStartsNothingInTheMiddleOfAFrame(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	a.send(a.h264(true, 0x41, 1))
	a.h264(false, 0x67, 1) // lost
	a.send(a.h264(true, 0x65, 1))
	if n := len(b.wire.take(t)); n != 0 {
		t.Errorf("%d packets of a key frame whose first is lost", n)
	}
	a.send(a.h264(false, 0x7c, 0x85, 1), a.h264(true, 0x7c, 0x45, 1))
	if n := len(b.wire.take(t)); n != 2 {
		t.Errorf("%d packets of a key frame without parameter sets, want 2", n)
	}
}
