package packet

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
)

func unmarshal(t testing.TB, b []byte) *rtp.Packet {
	t.Helper()
	var p rtp.Packet
	if err := p.Unmarshal(b); err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return &p
}

// TestLayoutOfAMark holds the six bytes: nodes of other builds read them.
func TestLayoutOfAMark(t *testing.T) {
	m := NewMark(2).WithCycle(0xff123456).WithPicture(true, &Descriptor{Discardable: true, SID: 5, TID: 3}).WithLevel(100)
	if m.Cycle() != 0x123456 || !m.Keyframe() || !m.Discardable() || m.Spatial() != 5 || m.Temporal() != 3 || m.Encoding() != 2 || m.Extended(7) != 0x1234560007 {
		t.Errorf("mark %x", uint64(m))
	}
	if v, ok := m.Level(); v != 100 || !ok {
		t.Errorf("level %d, %v", v, ok)
	}
	b := AppendMarked(nil, marshal(t, &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: []byte{9}}), m)
	want := []byte{0xbe, 0xde, 0, 2, 0xe5, 0x12, 0x34, 0x56, 0x80 | 0x40 | 5<<3 | 3, 0x80 | 27, 2, 0, 9}
	if diff := cmp.Diff(want, b[12:]); diff != "" {
		t.Error(diff)
	}
	b = example(t, 0x1000, 0)
	b[21] = 0x03 // of a two-byte block these four bits may be anything
	b = AppendMarked(nil, b, m)
	if ReadMark(b) != m || b[21] != 0x03 {
		t.Errorf("read %x", uint64(ReadMark(b)))
	}
	if diff := cmp.Diff(append([]byte{14, 6}, want[5:11]...), b[24:32]); diff != "" {
		t.Errorf("two-byte form: %s", diff)
	}
	plain := NewMark(1)
	if _, ok := plain.Level(); ok || plain.Keyframe() || plain.Discardable() || plain.Cycle() != 0 {
		t.Errorf("mark %x", uint64(plain))
	}
}

// TestAMarkComesAndGoes: a marked packet is the packet with one extension more, read by an independent reader; and without
// it when it is dropped.
func TestAMarkComesAndGoes(t *testing.T) {
	m := NewMark(3).WithCycle(0xabcdef).WithPicture(true, &Descriptor{TID: 1}).WithLevel(3)
	bare := marshal(t, &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 7}, Payload: []byte{1, 2, 3}})
	empty := marshal(t, &rtp.Packet{Header: rtp.Header{Version: 2, Extension: true, ExtensionProfile: 0xbede}, Payload: []byte{1}})
	other := example(t, 0xbede, 0)
	binary.BigEndian.PutUint16(other[20:], 0x4444)
	for name, c := range map[string]struct {
		b    []byte
		keep bool
	}{
		"one byte": {example(t, 0xbede, 0), true}, "two byte": {example(t, 0x1000, 0), true},
		"padding": {example(t, 0xbede, 5), true}, "no block": {bare, true}, "empty block": {empty, true}, "other profile": {other, false},
	} {
		t.Run(name, func(t *testing.T) {
			if ReadMark(c.b).Present() {
				t.Fatal("marked from the start")
			}
			b := AppendMarked([]byte("before"), c.b, m)
			if !bytes.HasPrefix(b, []byte("before")) {
				t.Fatal("overwrote what was there")
			}
			b = b[6:]
			if got := ReadMark(b); got != m {
				t.Errorf("read %x, want %x", uint64(got), uint64(m))
			}
			was, is := unmarshal(t, c.b), unmarshal(t, b)
			if len(is.GetExtension(MarkID)) != 6 {
				t.Errorf("extension %x", is.GetExtension(MarkID))
			}
			if is.SSRC != was.SSRC || is.SequenceNumber != was.SequenceNumber || is.Timestamp != was.Timestamp || is.Marker != was.Marker ||
				is.PayloadType != was.PayloadType || !cmp.Equal(is.CSRC, was.CSRC) || !bytes.Equal(is.Payload, was.Payload) {
				t.Errorf("%+v, was %+v", is, was)
			}
			if c.keep {
				for _, id := range was.GetExtensionIDs() {
					if !bytes.Equal(was.GetExtension(id), is.GetExtension(id)) {
						t.Errorf("extension %d: %x, was %x", id, is.GetExtension(id), was.GetExtension(id))
					}
				}
			}
			size := len(b)
			DropMark(b)
			gone := unmarshal(t, b)
			if ReadMark(b).Present() || gone.GetExtension(MarkID) != nil || len(b) != size || !bytes.Equal(gone.Payload, was.Payload) {
				t.Errorf("dropped: %x", b)
			}
			if c.keep && len(gone.GetExtensionIDs()) != len(was.GetExtensionIDs()) {
				t.Errorf("extensions %v, were %v", gone.GetExtensionIDs(), was.GetExtensionIDs())
			}
			var h Header
			if err := Parse(b, all, &h); err != nil || !bytes.HasPrefix(b[h.Payload:], was.Payload) {
				t.Errorf("payload at %d: %v", h.Payload, err)
			}
		})
	}
}

// TestOnlyTheFirstExtensionIsAMark: what a client put into its packets is none.
func TestOnlyTheFirstExtensionIsAMark(t *testing.T) {
	forged := NewMark(1).WithCycle(5)
	b := AppendMarked(nil, AppendMarked(nil, example(t, 0xbede, 0), forged), NewMark(0).WithCycle(6))
	if got := ReadMark(b); got.Cycle() != 6 {
		t.Errorf("read cycle %d", got.Cycle())
	}
	p := &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: []byte{1}}
	for _, id := range []uint8{3, MarkID} {
		if err := p.SetExtension(id, []byte{1, 2, 3, 4, 5, 6}); err != nil {
			t.Fatal(err)
		}
	}
	if got := ReadMark(marshal(t, p)); got.Present() {
		t.Errorf("read %x", uint64(got))
	}
}

func FuzzMark(f *testing.F) {
	m := NewMark(1).WithCycle(77).WithLevel(9)
	for _, profile := range []uint16{0xbede, 0x1000, 0x4444} {
		b := example(f, 0xbede, 0)
		binary.BigEndian.PutUint16(b[20:], profile)
		f.Add(b)
		f.Add(AppendMarked(nil, b, m))
		f.Add(AppendMarked(nil, b, m)[:30])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ReadMark(b)
		var h Header
		if Parse(b, all, &h) != nil {
			DropMark(bytes.Clone(b))
			return
		}
		was := bytes.Clone(b)
		out := AppendMarked(nil, b, m)
		if !bytes.Equal(was, b) {
			t.Fatal("wrote into its argument")
		}
		if got := ReadMark(out); got != m {
			t.Fatalf("read %x", uint64(got))
		}
		var marked Header
		if err := Parse(out, all, &marked); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b[h.Payload:], out[marked.Payload:]) || marked.SSRC != h.SSRC || marked.Seq != h.Seq {
			t.Fatal("another packet")
		}
		if h.AudioLevel != 0 && marked.AudioLevel != h.AudioLevel+markRoom {
			t.Fatal("an extension is lost")
		}
		DropMark(out)
		if ReadMark(out).Present() || Parse(out, all, &marked) != nil || !bytes.Equal(b[h.Payload:], out[marked.Payload:]) {
			t.Fatal("not dropped, or more")
		}
	})
}
