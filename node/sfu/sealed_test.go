package sfu

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// numbersAt returns the offsets of the bytes of a payload that a forwarder may write to: picture id and TL0PICIDX in the
// descriptors of VP8 and VP9 as the tests send them.
func numbersAt(c Codec) map[int]bool {
	switch c {
	case VP8:
		return map[int]bool{2: true, 3: true, 4: true}
	case VP9:
		return map[int]bool{1: true, 2: true, 4: true}
	}
	return nil
}

// TestPayloadsStayAsTheyCome: behind the descriptor everything is somebody's secret. Every byte of it comes out as it went
// in, also in retransmissions, and of the descriptor only the numbers change.
func TestPayloadsStayAsTheyCome(t *testing.T) {
	for name, codec := range videoCodecs {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			a, b := r.join(1, 1), r.join(2, 1)
			a.codec = codec
			noise := rand.New(rand.NewPCG(1, uint64(codec)))
			var in [][]byte
			for i := range 50 {
				a.tail = make([]byte, noise.IntN(1000))
				for i := range a.tail {
					a.tail[i] = byte(noise.Uint32())
				}
				packets := a.frame(0, i%10 == 0)
				if codec == VP8 {
					for i := range packets {
						packets[i] = append(packets[i], a.tail...)
					}
				}
				in = append(in, packets...)
				a.send(packets...)
			}
			got := b.wire.take(t)
			ssrc, _ := b.ssrc(a.camera())
			for _, m := range got[100:] {
				b.rtcp(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: m.SequenceNumber}}})
			}
			again := b.wire.take(t)
			if len(got) != len(in) || len(again) != 50 {
				t.Fatalf("%d packets and %d again of %d", len(got), len(again), len(in))
			}
			for i, m := range append(got, again...) {
				body := m.Payload
				if i >= len(in) {
					i, body = i-50, body[2:]
				}
				var was rtp.Packet
				if err := was.Unmarshal(in[i]); err != nil {
					t.Fatal(err)
				}
				if !same(was.Payload, body, numbersAt(codec)) {
					t.Fatalf("packet %d:\ncame in %x\nwent out %x", i, was.Payload, body)
				}
				if codec == AV1 && !same(was.GetExtension(11), m.GetExtension(11), map[int]bool{1: true, 2: true}) {
					t.Fatalf("packet %d: dependency descriptor %x came in, %x went out", i, was.GetExtension(11), m.GetExtension(11))
				}
			}
		})
	}
}

// same reports whether a and b are equal but for the bytes at the offsets given.
func same(a, b []byte, except map[int]bool) bool {
	a, b = bytes.Clone(a), bytes.Clone(b)
	for i := range except {
		if i < len(a) && i < len(b) {
			a[i], b[i] = 0, 0
		}
	}
	return bytes.Equal(a, b)
}
