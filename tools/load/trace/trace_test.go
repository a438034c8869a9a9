package trace_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load/trace"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := []trace.Packet{
		{Size: 1100, Start: true, Key: true},
		{At: 12 * time.Microsecond, Size: 1099, End: true, Key: true},
		{At: 33 * time.Millisecond, Encoding: 2, Size: 7, Start: true, End: true},
		{At: 33 * time.Millisecond, Size: 8},
	}
	var file bytes.Buffer
	if err := trace.Write(&file, "made by hand", want); err != nil {
		t.Fatal(err)
	}
	got, err := trace.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "# nothing\n", "1 0 100\n", "-1 0 100 s\n", "1 0 x s\n"} {
		if _, err := trace.Read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is a trace", bad)
		}
	}
}

// Frames are known by timestamps, encodings by what they weigh, key frames by their size.
func TestRecorderLooksAtHeadersAlone(t *testing.T) {
	r := trace.Recorder{PayloadType: 100}
	begun := time.Unix(1, 0)
	seq := uint16(0)
	send := func(ssrc, ts uint32, marker bool, size int, pt uint8) {
		raw, err := (&rtp.Packet{
			Header:  rtp.Header{Version: 2, SSRC: ssrc, Timestamp: ts, Marker: marker, PayloadType: pt, SequenceNumber: seq},
			Payload: make([]byte, size+16),
		}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		r.Take(raw, begun.Add(time.Duration(seq)*time.Millisecond))
		seq++
	}
	send(7, 1, true, 100, 100) // before the key frame
	for i := range 10 {
		send(7, 2, i == 9, 1000, 100) // one that is huge
	}
	send(5, 2, true, 50, 100)
	send(9, 3, true, 900, 111) // another payload type
	for ts := range uint32(5) {
		send(7, 10+ts, true, 200, 100)
		send(5, 10+ts, true, 50, 100)
	}
	r.Take([]byte{1, 2, 3}, begun)
	got := r.Trace()
	if len(got) != 21 {
		t.Fatalf("%d packets: %+v", len(got), got)
	}
	for i, want := range map[int]trace.Packet{
		0:  {Encoding: 1, Size: 1000, Start: true, Key: true},
		9:  {At: 9 * time.Millisecond, Encoding: 1, Size: 1000, End: true, Key: true},
		10: {At: 10 * time.Millisecond, Size: 50, Start: true, End: true},
		11: {At: 12 * time.Millisecond, Encoding: 1, Size: 200, Start: true, End: true},
	} {
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Errorf("packet %d (-want +got):\n%s", i, diff)
		}
	}
}
