package wire

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// However a stream is cut into reads, the frames come out whole and in order.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want, got []Frame
		var stream []byte
		for i := range rapid.Uint64Range(0, 6).Draw(t, "frames") {
			f := Claim{Room: drawRoom(t), ID: i}
			want, stream = append(want, f), AppendFramed(stream, f, Version)
		}
		var buf []byte
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "read")
			buf, stream = append(buf, stream[:n]...), stream[n:]
			for {
				b, rest, err := Split(buf)
				if err != nil {
					t.Fatal(err)
				}
				if b == nil {
					if !bytes.Equal(rest, buf) {
						t.Fatal("bytes of an incomplete frame were lost")
					}
					break
				}
				f, err := Parse(b, Version)
				if err != nil {
					t.Fatal(err)
				}
				got, buf = append(got, f), rest
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(buf) > 0 {
			t.Fatal(diff, buf)
		}
	})
}

func TestSplitRefusesLengths(t *testing.T) {
	for n, ok := range map[uint32]bool{0: false, 1: true, MaxFrame: true, MaxFrame + 1: false, 1<<32 - 1: false} {
		frame, _, err := Split(binary.BigEndian.AppendUint32(nil, n))
		if frame != nil || (err == nil) != ok {
			t.Errorf("length %d: %v, want ok %v", n, err, ok)
		}
	}
}
