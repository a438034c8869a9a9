package packet

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"
)

// vp9Structure is a scalability structure of three layers, 320x180 to 1280x720, with a picture group of two.
var vp9Structure = []byte{2<<5 | 0x18, 1, 64, 0, 180, 2, 128, 1, 104, 5, 0, 2, 208, 2, 0x04, 1, 0x08, 1, 2}

func TestParseVP9(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want Descriptor
	}{
		"key frame, lowest layer": {
			append(append([]byte{0xaa, 0x91, 0x22, 0x00, 0x33}, vp9Structure...), 7),
			Descriptor{PictureAt: 1, Wide: true, Picture: 0x1122, TL0At: 4, TL0: 0x33, Start: true, Keyframe: true, Width: 1280, Height: 720},
		},
		"the same picture, middle layer": {
			[]byte{0xa8, 0x91, 0x22, 0x03, 0x33, 7},
			Descriptor{PictureAt: 1, Wide: true, Picture: 0x1122, TL0At: 4, TL0: 0x33, SID: 1, Start: true},
		},
		"second packet of a key frame": {
			[]byte{0xa0, 0x91, 0x22, 0x00, 0x33, 7},
			Descriptor{PictureAt: 1, Wide: true, Picture: 0x1122, TL0At: 4, TL0: 0x33},
		},
		"inter picture, second temporal layer": {
			[]byte{0xe8, 0x91, 0x22, 0x20, 0x33, 7},
			Descriptor{PictureAt: 1, Wide: true, Picture: 0x1122, TL0At: 4, TL0: 0x33, TID: 1, Start: true},
		},
		"flexible mode, three references": {
			[]byte{0xf8, 0x55, 0x00, 3, 5, 6, 7},
			Descriptor{PictureAt: 1, Picture: 0x55, Start: true},
		},
		"no layers, key frame": {
			[]byte{0x88, 0x55, 7},
			Descriptor{PictureAt: 1, Picture: 0x55, Start: true, Keyframe: true},
		},
		"nothing": {
			[]byte{0x08, 7},
			Descriptor{Start: true, Keyframe: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var d Descriptor
			if err := ParseVP9(c.in, 0, len(c.in), &d); err != nil {
				t.Fatal(err)
			}
			if d != c.want {
				t.Errorf("got  %+v\nwant %+v", d, c.want)
			}
		})
	}
}

func TestParseVP9RefusesEveryCut(t *testing.T) {
	for _, whole := range [][]byte{
		append(append([]byte{0xaa, 0x91, 0x22, 0x00, 0x33}, vp9Structure...), 7),
		{0xf8, 0x55, 0x00, 3, 5, 6, 7},
	} {
		for n := range whole {
			var d Descriptor
			if err := ParseVP9(whole[:n], 0, n, &d); err == nil {
				t.Errorf("%x: accepted", whole[:n])
			}
		}
	}
	four := []byte{0xf8, 0x55, 0x00, 3, 5, 7, 6, 7}
	if err := ParseVP9(four, 0, len(four), new(Descriptor)); err == nil {
		t.Error("four references: accepted")
	}
}

func TestPatchVP9(t *testing.T) {
	b := []byte{0xe8, 0x91, 0x22, 0x20, 0x33, 7}
	var d Descriptor
	if err := ParseVP9(b, 0, len(b), &d); err != nil {
		t.Fatal(err)
	}
	d.Patch(b, 0x7fff, 0xff)
	if want := []byte{0xe8, 0xff, 0xff, 0x20, 0xff, 7}; !bytes.Equal(b, want) {
		t.Errorf("%x, want %x", b, want)
	}
}

// FuzzVP9 compares with pion's reader wherever both accept.
func FuzzVP9(f *testing.F) {
	f.Add(append(append([]byte{0xaa, 0x91, 0x22, 0x00, 0x33}, vp9Structure...), 7))
	f.Add([]byte{0xf8, 0x55, 0x00, 3, 5, 6, 7})
	f.Add([]byte{0xe8, 0x91, 0x22, 0x20, 0x33, 7})
	f.Add([]byte{0x88, 0x55, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Descriptor
		if ParseVP9(b, 0, len(b), &d) != nil {
			return
		}
		var want codecs.VP9Packet
		if _, err := want.Unmarshal(b); err != nil {
			return
		}
		if d.Picture != want.PictureID || d.TL0 != want.TL0PICIDX || d.TID != want.TID || d.SID != want.SID ||
			d.Start != want.B || d.Keyframe != (want.B && !want.P && want.SID == 0) {
			t.Fatalf("got %+v, pion %+v", d, want)
		}
		if n := len(want.Height); n > 0 && (d.Height != int(want.Height[n-1]) || d.Width != int(want.Width[n-1])) {
			t.Fatalf("size %d x %d, pion %v x %v", d.Width, d.Height, want.Width, want.Height)
		}
		d.Patch(b, d.Picture, d.TL0)
		var again Descriptor
		if err := ParseVP9(b, 0, len(b), &again); err != nil || again != d {
			t.Fatalf("patched with its own values: %+v, %v, was %+v", again, err, d)
		}
	})
}
