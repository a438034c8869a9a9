package load_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/atoll-mesh/atoll/tools/load"
)

// written keeps packets.
type written [][]byte

func (w *written) WriteRTP(packet []byte) error {
	*w = append(*w, append([]byte(nil), packet...))
	return nil
}

// beacon returns what a beacon sends in a second.
func beacon(t *testing.T, endpoint string) (packets written) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second-time.Millisecond)
		defer cancel()
		if err := load.NewBeacon(endpoint, 1, 2).Send(ctx, &packets); err != nil {
			t.Error(err)
		}
	})
	return packets
}

func TestBeaconIsSmallAndContinuous(t *testing.T) {
	packets := beacon(t, "478dfae7")
	if len(packets) != 2*load.BeaconsPerSecond {
		t.Fatalf("%d packets in a second", len(packets))
	}
	last := map[uint32]*rtp.Packet{}
	for k, raw := range packets {
		p := parse(t, raw)
		if ext := p.GetExtension(5); len(raw) > 220 || int(ext[0])<<8|int(ext[1]) != k {
			t.Errorf("packet %d: %d bytes, transport-wide number %v", k, len(raw), ext)
		}
		if before := last[p.SSRC]; before != nil && (p.SequenceNumber != before.SequenceNumber+1 || p.Timestamp <= before.Timestamp) {
			t.Errorf("packet %d: %d at %d after %d at %d", k, p.SequenceNumber, p.Timestamp, before.SequenceNumber, before.Timestamp)
		}
		last[p.SSRC] = p
		if p.SSRC != 2 {
			continue
		}
		var d codecs.VP8Packet
		body, err := d.Unmarshal(p.Payload)
		if err != nil || d.S != 1 || !p.Marker || body[0]&1 != 0 {
			t.Errorf("packet %d is not a whole key frame: %v, %+v, marker %v", k, err, d, p.Marker)
		}
	}
}

// A node that takes an extension out leaves padding in its place.
func TestRollReadsBehindPaddedExtensions(t *testing.T) {
	r := load.NewRoll()
	for _, raw := range beacon(t, "478dfae7")[:2] {
		p := parse(t, raw)
		size := 16 + 4*int(raw[15]) // with the extension, less than 256 words
		padded := append(append([]byte(nil), raw[:size]...), make([]byte, 8)...)
		padded[15] += 2
		padded = append(padded, raw[size:]...)
		r.RTP(&p.Header, padded, time.Time{})
		r.RTP(&p.Header, padded[:20], time.Time{})
	}
	want := map[load.Heard]int{{SSRC: 1, Source: "478dfae7-a0"}: 1, {SSRC: 2, Source: "478dfae7-v0"}: 1}
	if diff := cmp.Diff(want, r.Take()); diff != "" {
		t.Error(diff)
	}
	if r.Foreign() != 2 {
		t.Errorf("%d are foreign, want the two that were cut short", r.Foreign())
	}
}

func TestRollTellsWhoseUnderWhichNumber(t *testing.T) {
	r := load.NewRoll()
	take := func(raw []byte, ssrc uint32) {
		p := parse(t, raw)
		p.SSRC = ssrc
		again, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		r.RTP(&p.Header, again, time.Time{})
	}
	for _, raw := range beacon(t, "478dfae7") {
		take(raw, 7+parse(t, raw).SSRC)
	}
	for _, raw := range beacon(t, "05cf9031") {
		if p := parse(t, raw); p.SSRC == 2 {
			take(raw, 9) // in the slot of the first one's picture
		}
	}
	const n = load.BeaconsPerSecond
	want := map[load.Heard]int{{SSRC: 8, Source: "478dfae7-a0"}: n, {SSRC: 9, Source: "478dfae7-v0"}: n, {SSRC: 9, Source: "05cf9031-v0"}: n}
	if diff := cmp.Diff(want, r.Take()); diff != "" {
		t.Error(diff)
	}
	if got := r.Take(); len(got) != 0 {
		t.Errorf("%v is left after it was taken", got)
	}
	// The second one's pictures had the numbers of the first one's.
	if r.Twice() != n || r.Foreign() != 0 {
		t.Errorf("%d came twice, %d are foreign, want %d and none", r.Twice(), r.Foreign(), n)
	}
	take(load.NewPublisher(1, 2, 1).Opus(time.Unix(1, 0)), 10)
	if r.Foreign() != 1 {
		t.Errorf("%d are foreign, want the one of a publisher", r.Foreign())
	}
}
