package packet

import (
	"slices"
	"testing"
)

func TestParseAV1(t *testing.T) {
	for first, want := range map[byte]bool{0x08: true, 0x18: true, 0x78: true, 0x10: false, 0x00: false, 0x88: false, 0xc0: false} {
		var d Descriptor
		if err := ParseAV1([]byte{first, 1}, 0, 2, &d); err != nil {
			t.Fatal(err)
		}
		if d.Keyframe != want {
			t.Errorf("aggregation header %08b: key frame %v, want %v", first, d.Keyframe, want)
		}
	}
	if err := ParseAV1([]byte{8}, 1, 1, new(Descriptor)); err == nil {
		t.Error("an empty payload was accepted")
	}
}

func FuzzAV1(f *testing.F) {
	f.Add([]byte{0x08, 1, 2})
	f.Add([]byte{0x90})
	f.Fuzz(func(t *testing.T, b []byte) {
		was := slices.Clone(b)
		var d Descriptor
		if ParseAV1(b, 0, len(b), &d) != nil {
			return
		}
		if d.Patch(b, 0x7fff, 0xff); !slices.Equal(b, was) {
			t.Fatal("an av1 payload was written to")
		}
	})
}
