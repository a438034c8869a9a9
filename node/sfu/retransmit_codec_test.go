package sfu

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
)

// TestRetransmissionsAreOfTheirCodec: a slot changes from one codec to another and back; what was lost is sent again as what
// it was, with the numbers that it had.
func TestRetransmissionsAreOfTheirCodec(t *testing.T) {
	r := newRig(t)
	people := []*person{r.join(1, 1), r.join(2, 1), r.join(3, 1), r.join(4, 1), r.join(5, 1)}
	for i, codec := range []Codec{AV1, VP9, H264, AV1, VP9} {
		people[i].codec, people[i].num[0] = codec, uint16(500-90*i)
	}
	c := r.known(9)
	c.Participant = r.room.Join(r.now, c.id, c.wire)
	c.Connected(r.now)
	for _, p := range people {
		r.do(r.room.SetConstraints(r.now, c.id, Constraints{LastN: 1, Default: 720, Selected: names(p.camera())}))
		p.film(true, 0)
	}
	sent := c.wire.take(t)
	if len(sent) != 15 {
		t.Fatalf("%d packets, want 15", len(sent))
	}
	for _, want := range sent {
		c.rtcp(&rtcp.TransportLayerNack{MediaSSRC: want.SSRC, Nacks: []rtcp.NackPair{{PacketID: want.SequenceNumber}}})
		again := c.wire.take(t)
		if len(again) != 1 {
			t.Fatalf("%d packets for %d of codec %d", len(again), want.SequenceNumber, want.codec)
		}
		m := again[0]
		if !m.again || m.codec != want.codec || m.frame != want.frame || m.Timestamp != want.Timestamp {
			t.Errorf("sent again: %+v, frame %d, of %+v, frame %d", m.Header, m.frame, want.Header, want.frame)
		}
		if diff := cmp.Diff(want.Payload, m.Payload[2:]); diff != "" {
			t.Errorf("codec %d: %s", m.codec, diff)
		}
	}
}
