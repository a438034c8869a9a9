package packet

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestParseVP8(t *testing.T) {
	keyframe := []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02}
	for name, c := range map[string]struct {
		in   []byte
		want Descriptor
	}{
		"no extension, key frame": {
			append([]byte{0x10}, keyframe...),
			Descriptor{Start: true, Keyframe: true, Width: 1280, Height: 720},
		},
		"wide picture id, tl0, tid": {
			append([]byte{0x90, 0xe0, 0x91, 0x22, 0x33, 0x40}, keyframe...),
			Descriptor{PictureAt: 2, Wide: true, Picture: 0x1122, TL0At: 4, TL0: 0x33, TID: 1, Start: true, Keyframe: true, Width: 1280, Height: 720},
		},
		"narrow picture id, delta frame": {
			[]byte{0x90, 0x80, 0x55, 0x01, 0, 0},
			Descriptor{PictureAt: 2, Picture: 0x55, Start: true},
		},
		"second packet of a key frame": {
			append([]byte{0x80, 0x80, 0x55}, keyframe...),
			Descriptor{PictureAt: 2, Picture: 0x55},
		},
		"key frame without a readable size": {
			[]byte{0x10, 0x10},
			Descriptor{Start: true, Keyframe: true},
		},
		"start of another partition": {
			[]byte{0x11, 0x10},
			Descriptor{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var v Descriptor
			if err := ParseVP8(c.in, 0, len(c.in), &v); err != nil {
				t.Fatal(err)
			}
			if v != c.want {
				t.Errorf("got  %+v\nwant %+v", v, c.want)
			}
		})
	}
}

func TestParseVP8RefusesEveryCut(t *testing.T) {
	whole := []byte{0x90, 0xe0, 0x91, 0x22, 0x33, 0x40, 0x10}
	for n := range whole {
		var v Descriptor
		if err := ParseVP8(whole[:n], 0, n, &v); err == nil {
			t.Errorf("%x: accepted", whole[:n])
		}
	}
}

func TestPatchVP8KeepsWidth(t *testing.T) {
	b := []byte{0x90, 0xe0, 0x91, 0x22, 0x33, 0x40, 0x10}
	var v Descriptor
	if err := ParseVP8(b, 0, len(b), &v); err != nil {
		t.Fatal(err)
	}
	v.Patch(b, 0x7fff, 0xff)
	if want := []byte{0x90, 0xe0, 0xff, 0xff, 0xff, 0x40, 0x10}; !bytes.Equal(b, want) {
		t.Errorf("wide: %x, want %x", b, want)
	}
	b = []byte{0x90, 0x80, 0x55, 0x01}
	if err := ParseVP8(b, 0, len(b), &v); err != nil {
		t.Fatal(err)
	}
	v.Patch(b, 0x1ff, 1)
	if want := []byte{0x90, 0x80, 0x7f, 0x01}; !bytes.Equal(b, want) {
		t.Errorf("narrow: %x, want %x", b, want)
	}
}

// FuzzVP8 compares with pion's reader wherever both accept.
func FuzzVP8(f *testing.F) {
	f.Add([]byte{0x90, 0xe0, 0x91, 0x22, 0x33, 0x40, 0x10})
	f.Add([]byte{0x90, 0x80, 0x55, 0x01, 0, 0})
	f.Add([]byte{0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0, 5, 0xd0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		var v Descriptor
		if ParseVP8(b, 0, len(b), &v) != nil {
			return
		}
		var want codecs.VP8Packet
		if _, err := want.Unmarshal(b); err != nil {
			return
		}
		if v.Picture != want.PictureID || v.TL0 != want.TL0PICIDX || v.TID != want.TID && want.T == 1 || v.Start != (want.S == 1 && want.PID == 0) {
			t.Fatalf("got %+v, pion %+v", v, want)
		}
		v.Patch(b, v.Picture, v.TL0)
		var again Descriptor
		if err := ParseVP8(b, 0, len(b), &again); err != nil || again != v {
			t.Fatalf("patched with its own values: %+v, %v, was %+v", again, err, v)
		}
	})
}
