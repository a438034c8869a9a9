package edge

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

func sized(sizes ...int) []outgoing {
	var all []outgoing
	for i, n := range sizes {
		b := append(newBuffer(), make([]byte, n)...)
		b[0], b[1], b[3] = 0x80, 100, byte(i)
		all = append(all, outgoing{packet: b, gcm: &gcm{}})
	}
	return all
}

func TestPacketsOfAFrameAreLevelled(t *testing.T) {
	for _, c := range []struct{ in, want []int }{
		{[]int{1100, 1100, 1100}, []int{1100, 1100, 1100}},
		{[]int{1099, 1099, 1100, 1100}, []int{1100, 1100, 1100, 1100}},
		{[]int{1100, 1099, 1099}, []int{1100, 1100, 1099}},
		{[]int{1100, 1100, 300}, []int{1100, 1100, 300}},
		{[]int{1099, 1100, 300}, []int{1100, 1100, 300}},
		{[]int{300, 1100, 1099}, []int{300, 1100, 1099}},
		{[]int{90, 91, 120}, []int{91, 91, 120}},
		{[]int{1080, 1096, 1096}, []int{1096, 1096, 1096}},
		{[]int{1000, 1100}, []int{1000, 1100}},
		{[]int{700}, []int{700}},
		{[]int{90, 1100, 1099, 1100, 95, 95}, []int{90, 1100, 1100, 1100, 95, 95}},
	} {
		packets := sized(c.in...)
		level(packets)
		var got []int
		for _, o := range packets {
			got = append(got, len(o.packet))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v became %v, want %v", c.in, got, c.want)
		}
	}
	sealed := sized(1100, 1099, 1100)
	sealed[1].gcm = nil
	level(sealed)
	if len(sealed[1].packet) != 1099 {
		t.Error("a sealed packet was padded")
	}
}

// Whatever is levelled, order, headers and payloads stay, and nothing grows by more than its share.
func TestLevellingLeavesPayloadsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var packets []outgoing
		var want []rtp.Packet
		for i := range rapid.IntRange(0, 12).Draw(t, "packets") {
			size := rapid.SampledFrom([]int{90, 100, 700, 1100, 1200}).Draw(t, "size") - rapid.IntRange(0, 3).Draw(t, "less")
			p := rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 100, SequenceNumber: uint16(i), SSRC: 7},
				Payload: rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "payload"),
			}
			if rapid.Bool().Draw(t, "padded") {
				p.Padding, p.PaddingSize = true, byte(rapid.IntRange(1, 255).Draw(t, "padding"))
				p.Header.PaddingSize = p.PaddingSize
			}
			b, err := p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			o := outgoing{packet: append(newBuffer(), b...), gcm: &gcm{}}
			if rapid.IntRange(0, 5).Draw(t, "sealed") == 0 {
				o.gcm = nil
			}
			packets, want = append(packets, o), append(want, p)
		}
		before := slices.Clone(packets)
		level(packets)
		for i, o := range packets {
			was := before[i].packet
			if o.gcm == nil && !bytes.Equal(o.packet, was) {
				t.Fatal("a sealed packet was changed")
			}
			if grown := len(o.packet) - len(was); grown < 0 || grown > max(1, len(was)/padShare) {
				t.Fatalf("%d bytes became %d", len(was), len(o.packet))
			}
			var p rtp.Packet
			if err := p.Unmarshal(o.packet); err != nil {
				t.Fatalf("packet %d: %v", i, err)
			}
			if !bytes.Equal(p.Payload, want[i].Payload) || p.SequenceNumber != uint16(i) || p.SSRC != 7 {
				t.Fatalf("packet %d was changed", i)
			}
		}
	})
}
