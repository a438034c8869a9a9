package packet

import (
	"slices"
	"testing"
)

// Parameter sets as encoders make them: constrained baseline 640x360 with a cropped picture; high, with an escaped byte.
var (
	baseline = []byte{0x67, 0x42, 0xe0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb0, 0x0f, 0x08, 0x84, 0x6a}
	high     = []byte{0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10}
)

func aggregate(units ...[]byte) []byte {
	b := []byte{0x78}
	for _, u := range units {
		b = append(append(b, byte(len(u)>>8), byte(len(u))), u...)
	}
	return b
}

func TestParseH264(t *testing.T) {
	pps, sei, idr, slice := []byte{0x68, 1}, []byte{0x06, 1}, []byte{0x65, 1, 2}, []byte{0x41, 1, 2}
	for name, c := range map[string]struct {
		in   []byte
		want Descriptor
	}{
		"parameter set alone":           {baseline, Descriptor{Keyframe: true, Width: 640, Height: 360}},
		"parameter set of high profile": {high, Descriptor{Keyframe: true, Width: 1280, Height: 720}},
		"parameter sets together":       {aggregate(baseline, pps), Descriptor{Keyframe: true, Width: 640, Height: 360}},
		"after something else":          {aggregate(sei, baseline, pps, idr), Descriptor{Keyframe: true, Width: 640, Height: 360}},
		"slice alone":                   {idr, Descriptor{Keyframe: true, Slice: true}},
		"slice in an aggregation":       {aggregate(sei, idr), Descriptor{Keyframe: true, Slice: true}},
		"first fragment":                {[]byte{0x7c, 0x85, 1}, Descriptor{Keyframe: true, Slice: true}},
		"fragment of a parameter set":   {[]byte{0x7c, 0x87, 1}, Descriptor{Keyframe: true}},
		"later fragment":                {[]byte{0x7c, 0x05, 1}, Descriptor{}},
		"last fragment":                 {[]byte{0x7c, 0x45, 1}, Descriptor{}},
		"fragment of another slice":     {[]byte{0x7c, 0x81, 1}, Descriptor{}},
		"another slice":                 {slice, Descriptor{}},
		"aggregation of others":         {aggregate(sei, slice), Descriptor{}},
		"aggregation that lies":         {append(aggregate(sei), 0xff, 0xff, 0x65), Descriptor{}},
		"parameter set cut":             {baseline[:5], Descriptor{Keyframe: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var d Descriptor
			if err := ParseH264(c.in, 0, len(c.in), &d); err != nil {
				t.Fatal(err)
			}
			if d != c.want {
				t.Errorf("got  %+v\nwant %+v", d, c.want)
			}
		})
	}
	for _, b := range [][]byte{{}, {0x7c}} {
		if err := ParseH264(b, 0, len(b), new(Descriptor)); err == nil {
			t.Errorf("%x: accepted", b)
		}
	}
}

func FuzzH264(f *testing.F) {
	f.Add(baseline)
	f.Add(high)
	f.Add(aggregate(baseline, []byte{0x68, 1}, []byte{0x65, 1, 2}))
	f.Add([]byte{0x7c, 0x85, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		was := slices.Clone(b)
		var d Descriptor
		if ParseH264(b, 0, len(b), &d) != nil {
			return
		}
		if d.Slice && !d.Keyframe || d.Width < 0 || d.Height < 0 || (d.Width == 0) != (d.Height == 0) {
			t.Fatalf("%+v", d)
		}
		if d.Patch(b, 0x7fff, 0xff); !slices.Equal(b, was) {
			t.Fatal("an h264 payload was written to")
		}
	})
}
