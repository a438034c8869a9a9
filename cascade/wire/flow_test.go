package wire

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

func TestFlowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Flow{rapid.Uint32().Draw(t, "sub"), rapid.IntRange(0, MaxEncodings-1).Draw(t, "encoding"), rapid.Bool().Draw(t, "feedback")}
		packet := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "packet")
		got, rest, err := ParseFlow(append(AppendFlow(nil, want), packet...))
		if err != nil || got != want || !bytes.Equal(rest, packet) {
			t.Fatalf("%+v is %+v, %x is %x, %v", want, got, packet, rest, err)
		}
	})
}

func TestFlowOnTheWire(t *testing.T) {
	for _, c := range []struct {
		flow Flow
		want string
	}{
		{Flow{0, 0, false}, "00"},
		{Flow{0, 0, true}, "01"},
		{Flow{1, 2, true}, "15"},
		{Flow{3, 7, true}, "3f"},
		{Flow{4, 0, false}, "4040"},
		{Flow{1023, 7, true}, "7fff"},
		{Flow{1024, 0, false}, "80004000"},
		{Flow{1<<26 - 1, 7, true}, "bfffffff"},
		{Flow{1 << 26, 0, false}, "c000000040000000"},
		{Flow{1<<32 - 1, 7, true}, "c000000fffffffff"},
	} {
		if got := hex.EncodeToString(AppendFlow(nil, c.flow)); got != c.want {
			t.Errorf("%+v is written %s, want %s", c.flow, got, c.want)
		}
	}
}

func TestFlowRefused(t *testing.T) {
	for _, in := range []string{"", "00", "40", "4001", "c0000000000000", "c000001000000000ff", "ffffffffffffffffff"} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if f, packet, err := ParseFlow(b); err == nil {
			t.Errorf("%s is %+v and %x", in, f, packet)
		}
	}
}

func TestFlowAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		b := append(AppendFlow(buf, Flow{Sub: 1 << 30, Encoding: 2}), 1)
		if _, _, err := ParseFlow(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
