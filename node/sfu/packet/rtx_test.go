package packet

import (
	"bytes"
	"testing"
)

func TestUnwrapUndoesWrap(t *testing.T) {
	for _, padding := range []byte{0, 5} {
		original := example(t, 0xbede, padding)
		var h Header
		if err := Parse(original, all, &h); err != nil {
			t.Fatal(err)
		}
		rtx := Wrap(make([]byte, 0, 1500), original, h.Payload, 96, h.Seq)
		Patch(rtx, 9, h.TS, 1234)
		var r Header
		if err := Parse(rtx, all, &r); err != nil {
			t.Fatal(err)
		}
		if r.PayloadType != 96 || r.Seq != 9 || r.SSRC != 1234 || !r.Marker || r.TS != h.TS {
			t.Errorf("retransmission header = %+v", r)
		}
		got, ok := Unwrap(rtx, &r, 100, 0xdeadbeef)
		if !ok || !bytes.Equal(got, original) {
			t.Errorf("got  %x\nwant %x", got, original)
		}
	}
}

func TestUnwrapOfPaddingAlone(t *testing.T) {
	b := append([]byte{0xa0, 96}, make([]byte, 10)...)
	b = append(b, 0, 0, 0, 4)
	var h Header
	if err := Parse(b, all, &h); err != nil {
		t.Fatal(err)
	}
	if !h.Empty() {
		t.Error("padding counted as payload")
	}
	if _, ok := Unwrap(b, &h, 100, 1); ok {
		t.Error("found a packet in a probe")
	}
}
