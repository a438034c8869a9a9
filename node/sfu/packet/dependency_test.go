package packet

import (
	"slices"
	"testing"

	"github.com/pion/rtp"
)

// writer writes single bits.
type writer struct {
	b []byte
	n int
}

func (w *writer) put(v uint32, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>(n-1-i)&1) << (7 - w.n%8)
		w.n++
	}
}

// descriptor returns the dependency descriptor of the first packet of a key frame: spatial layers of one temporal layer
// each, as many decode targets and chains, each layer half as high as the next one, 720 at most.
func descriptor(frame uint16, spatial int, sizes bool) []byte {
	w := &writer{}
	w.put(1, 1) // start of frame
	w.put(0, 1)
	w.put(5, 6) // template
	w.put(uint32(frame), 16)
	w.put(0b11000, 5) // structure, active targets
	w.put(5, 6)       // template id offset
	w.put(uint32(spatial-1), 5)
	for s := range spatial { // two templates a layer
		w.put(0, 2)
		w.put([]uint32{2, 3}[b2i(s == spatial-1)], 2)
	}
	for range 2 * spatial * spatial {
		w.put(2, 2)
	}
	for i := range 2 * spatial {
		if i%2 == 1 {
			w.put(1, 1)
			w.put(uint32(spatial-1), 4)
		}
		w.put(0, 1)
	}
	below := func(v, n uint32) {
		bits := 0
		for 1<<bits < int(n) {
			bits++
		}
		if m := uint32(1)<<bits - n; v < m {
			w.put(v, bits-1)
		} else {
			w.put(v+m, bits)
		}
	}
	below(uint32(spatial), uint32(spatial)+1)
	for i := range spatial {
		below(uint32(i), uint32(spatial))
	}
	for range 2 * spatial * spatial {
		w.put(1, 4)
	}
	w.put(uint32(b2i(sizes)), 1)
	if sizes {
		for s := range spatial {
			w.put(uint32(1280>>(spatial-1-s)-1), 16)
			w.put(uint32(720>>(spatial-1-s)-1), 16)
		}
	}
	w.put(1<<spatial-1, spatial)
	return w.b
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// carry returns a packet with a dependency descriptor between two other extensions, and its header.
func carry(t testing.TB, d []byte) ([]byte, Header) {
	t.Helper()
	p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 41, SequenceNumber: 7, SSRC: 9}, Payload: []byte{8, 1, 2}}
	p.Extension, p.ExtensionProfile = true, 0xbede
	if len(d) > 16 {
		p.ExtensionProfile = 0x1000
	}
	for _, e := range []struct {
		id uint8
		v  []byte
	}{{3, []byte{7, 8, 9}}, {11, d}, {5, []byte{0x12, 0x34}}} {
		if err := p.SetExtension(e.id, e.v); err != nil {
			t.Fatal(err)
		}
	}
	b := marshal(t, p)
	var h Header
	if err := Parse(b, all, &h); err != nil {
		t.Fatal(err)
	}
	return b, h
}

func TestDependency(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want Dependency
	}{
		"mandatory fields":         {[]byte{0x85, 0x12, 0x34}, Dependency{Frame: 0x1234, Start: true}},
		"second packet of a frame": {[]byte{0x45, 0x12, 0x34}, Dependency{Frame: 0x1234}},
		"without a structure":      {[]byte{0x85, 0x12, 0x34, 0x40, 0}, Dependency{Frame: 0x1234, Start: true}},
		"one layer":                {descriptor(0x1234, 1, true), Dependency{Frame: 0x1234, Start: true, Structure: true, Width: 1280, Height: 720}},
		"two layers":               {descriptor(0x1234, 2, true), Dependency{Frame: 0x1234, Start: true, Structure: true, Width: 1280, Height: 720}},
		"three layers":             {descriptor(0x1234, 3, true), Dependency{Frame: 0x1234, Start: true, Structure: true, Width: 1280, Height: 720}},
		"without sizes":            {descriptor(0x1234, 3, false), Dependency{Frame: 0x1234, Start: true, Structure: true}},
		"structure cut":            {descriptor(0x1234, 3, true)[:20], Dependency{Frame: 0x1234, Start: true, Structure: true}},
	} {
		t.Run(name, func(t *testing.T) {
			b, h := carry(t, c.in)
			var d Dependency
			h.Dependency(b, &d)
			if d.At == 0 || !slices.Equal(b[d.At:d.At+len(c.in)], c.in) {
				t.Fatalf("at %d of %x", d.At, b)
			}
			d.At = 0
			if d != c.want {
				t.Errorf("got  %+v\nwant %+v", d, c.want)
			}
		})
	}
}

func TestNoDependency(t *testing.T) {
	for _, in := range [][]byte{{1, 2}, {1}} {
		b, h := carry(t, in)
		d := Dependency{At: 5}
		if h.Dependency(b, &d); d != (Dependency{}) {
			t.Errorf("%x: %+v", in, d)
		}
		was := slices.Clone(b)
		h.DropDependency(b)
		if d.PatchFrame(b, 1); !slices.Equal(b, was) {
			t.Error("written to")
		}
	}
}

func TestPatchFrame(t *testing.T) {
	b, h := carry(t, descriptor(0x1234, 3, true))
	want, _ := carry(t, descriptor(0xabcd, 3, true))
	var d Dependency
	h.Dependency(b, &d)
	if d.PatchFrame(b, 0xabcd); !slices.Equal(b, want) {
		t.Errorf("got  %x\nwant %x", b, want)
	}
}

func TestDropDependency(t *testing.T) {
	for name, in := range map[string][]byte{"one byte": {0x85, 0x12, 0x34}, "two byte": descriptor(1, 3, true)} {
		t.Run(name, func(t *testing.T) {
			b, h := carry(t, in)
			h.DropDependency(b)
			var p rtp.Packet
			if err := p.Unmarshal(b); err != nil {
				t.Fatal(err)
			}
			if p.GetExtension(11) != nil || !slices.Equal(p.GetExtension(3), []byte{7, 8, 9}) || !slices.Equal(p.GetExtension(5), []byte{0x12, 0x34}) || !slices.Equal(p.Payload, []byte{8, 1, 2}) {
				t.Errorf("%x", b)
			}
			var again Header
			if err := Parse(b, all, &again); err != nil || again.dependency != 0 || again.TransportSeq != h.TransportSeq {
				t.Errorf("%+v, %v", again, err)
			}
		})
	}
}

func FuzzDependency(f *testing.F) {
	f.Add(descriptor(1, 1, true))
	f.Add(descriptor(0xffff, 3, true))
	f.Add(descriptor(2, 2, false))
	f.Add([]byte{0x85, 0x12, 0x34, 0x40, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 || len(in) > 255 {
			return
		}
		b, h := carry(t, in)
		var d, again Dependency
		h.Dependency(b, &d)
		if (d.At != 0) != (len(in) >= shortest) || d.Width < 0 || d.Height < 0 {
			t.Fatalf("%+v", d)
		}
		d.PatchFrame(b, d.Frame+1)
		h.Dependency(b, &again)
		if d.At != 0 {
			d.Frame++
		}
		if d != again {
			t.Fatalf("patched %+v, was %+v", again, d)
		}
	})
}
