package sfu

import (
	"testing"

	"github.com/pion/rtp"
)

func TestMalformedDescriptorsAreCounted(t *testing.T) {
	for codec, bad := range map[Codec][]byte{VP8: {0x90}, VP9: {0xf8, 0x55}, H264: {0x7c}} { // any byte is AV1
		r := newRig(t)
		a, b := r.join(1, 1), r.join(2, 1)
		a.codec = codec
		a.film(true, 0)
		b.wire.take(t)
		h := rtp.Header{Version: 2, PayloadType: payloadType(codec), SSRC: cameraSSRC(0), SequenceNumber: a.seq[0]}
		a.send(a.marshal(h, bad))
		if n := a.Counters().Malformed; n != 1 || len(b.wire.take(t)) != 0 {
			t.Errorf("codec %d: %d packets counted", codec, n)
		}
	}
}
