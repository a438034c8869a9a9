package packet

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
)

var all = Extensions{AudioLevel: 1, SendTime: 3, TransportSeq: 5, Dependency: 11}

func marshal(t testing.TB, p *rtp.Packet) []byte {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func example(t testing.TB, profile uint16, padding byte) []byte {
	t.Helper()
	p := &rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, PayloadType: 100, SequenceNumber: 4711, Timestamp: 90001, SSRC: 0xdeadbeef, CSRC: []uint32{1, 2}},
		Payload: []byte{1, 2, 3, 4, 5},
	}
	p.Extension, p.ExtensionProfile = true, profile
	for id, v := range map[uint8][]byte{1: {0x80 | 30}, 3: {7, 8, 9}, 5: {0x12, 0x34}, 9: {1, 1, 1}} {
		if err := p.SetExtension(id, v); err != nil {
			t.Fatal(err)
		}
	}
	if padding > 0 {
		p.Padding, p.PaddingSize = true, padding
	}
	return marshal(t, p)
}

func TestParseFindsWhatPionWrote(t *testing.T) {
	for name, c := range map[string]struct {
		profile uint16
		padding byte
	}{
		"one byte":              {0xbede, 0},
		"two byte":              {0x1000, 0},
		"one byte with padding": {0xbede, 7},
	} {
		t.Run(name, func(t *testing.T) {
			b := example(t, c.profile, c.padding)
			var h Header
			if err := Parse(b, all, &h); err != nil {
				t.Fatal(err)
			}
			if h.SSRC != 0xdeadbeef || h.Seq != 4711 || h.TS != 90001 || h.PayloadType != 100 || !h.Marker {
				t.Errorf("header = %+v", h)
			}
			if diff := cmp.Diff([]byte{1, 2, 3, 4, 5}, b[h.Payload:h.End]); diff != "" {
				t.Errorf("payload: %s", diff)
			}
			if l, ok := h.Level(b); !ok || l != 97 {
				t.Errorf("level = %d, %v, want 97", l, ok)
			}
			if n, ok := h.TransportWide(b); !ok || n != 0x1234 {
				t.Errorf("transport-wide = %#x, %v", n, ok)
			}
			if diff := cmp.Diff([]byte{7, 8, 9}, b[h.SendTime:h.SendTime+3]); diff != "" {
				t.Errorf("abs-send-time: %s", diff)
			}
		})
	}
}

func TestPatchChangesOnlyWhatItSays(t *testing.T) {
	b := example(t, 0xbede, 0)
	var h Header
	if err := Parse(b, all, &h); err != nil {
		t.Fatal(err)
	}
	Patch(b, 65535, 7, 8)
	PatchTransportSeq(b, h.TransportSeq, 0xabcd)
	PatchSendTime(b, h.SendTime, 0x010203)
	var got rtp.Packet
	if err := got.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	if got.SequenceNumber != 65535 || got.Timestamp != 7 || got.SSRC != 8 || got.PayloadType != 100 || !got.Marker {
		t.Errorf("header = %+v", got.Header)
	}
	want := map[uint8][]byte{1: {0x80 | 30}, 3: {1, 2, 3}, 5: {0xab, 0xcd}, 9: {1, 1, 1}}
	for id, v := range want {
		if diff := cmp.Diff(v, got.GetExtension(id)); diff != "" {
			t.Errorf("extension %d: %s", id, diff)
		}
	}
	if diff := cmp.Diff([]byte{1, 2, 3, 4, 5}, got.Payload); diff != "" {
		t.Errorf("payload: %s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":              {},
		"short":              make([]byte, 11),
		"version 1":          append([]byte{0x40}, make([]byte, 20)...),
		"csrc beyond":        append([]byte{0x8f}, make([]byte, 20)...),
		"extension beyond":   append([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 9}, 1, 2),
		"padding of nothing": append([]byte{0xa0}, make([]byte, 11)...),
		"padding of 0":       append([]byte{0xa0}, make([]byte, 15)...),
	} {
		var h Header
		if err := Parse(b, all, &h); err == nil {
			t.Errorf("%s: accepted as %+v", name, h)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example(f, 0xbede, 0))
	f.Add(example(f, 0x1000, 0))
	f.Add(example(f, 0xbede, 9))
	f.Add([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x5f, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Header
		if Parse(b, all, &h) != nil {
			return
		}
		if h.Payload < fixed || h.Payload > h.End || h.End > len(b) {
			t.Fatalf("payload %d..%d of %d", h.Payload, h.End, len(b))
		}
		h.Level(b)
		h.TransportWide(b)
		Patch(b, 1, 2, 3)
		if h.TransportSeq != 0 {
			PatchTransportSeq(b, h.TransportSeq, 4)
		}
		if h.SendTime != 0 {
			PatchSendTime(b, h.SendTime, 5)
		}
		var v Descriptor
		if ParseVP8(b, h.Payload, h.End, &v) == nil {
			v.Patch(b, 6, 7)
		}
		if p, ok := Unwrap(b, &h, 100, 9); ok {
			var again Header
			if err := Parse(p, all, &again); err != nil {
				t.Fatalf("unwrapped packet: %v", err)
			}
		}
	})
}
