package wire

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func FuzzParseVersion1(f *testing.F) { fuzzParse(f, 1) }

func FuzzParseVersion2(f *testing.F) { fuzzParse(f, 2) }

// fuzzParse checks that what is read can be written, that both are the same value, and that there is no second encoding.
func fuzzParse(f *testing.F, version uint16) {
	for _, s := range samples() {
		f.Add(Append(nil, s, version))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Parse(b, version)
		if err != nil {
			return
		}
		again := Append(nil, frame, version)
		if len(again) == 0 {
			t.Fatalf("read, but not written: %+v: %v", frame, Valid(frame))
		}
		if _, hello := frame.(Hello); len(again) > len(b) && !hello {
			t.Fatalf("%d bytes are read from %d: %+v", len(again), len(b), frame)
		}
		back, err := Parse(again, version)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(frame, back, cmpopts.EquateEmpty(), addresses); diff != "" {
			if _, hello := frame.(Hello); !hello || version > 1 {
				t.Fatal(diff)
			}
		}
		if third := Append(nil, back, version); !bytes.Equal(again, third) {
			t.Fatalf("two encodings of %+v:\n%x\n%x", frame, again, third)
		}
		Lane(frame)
		if r, ok := frame.(Relayed); ok {
			r.Signed()
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	for _, s := range samples() {
		if r, ok := s.(Replica); ok {
			if m, ok := r.Message.(room.State); ok {
				f.Add(AppendHeader(nil, []room.State{m, m}))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, err := ParseHeader(b)
		if err != nil {
			return
		}
		back, err := ParseHeader(AppendHeader(nil, parts))
		if diff := cmp.Diff(parts, back, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(AppendFramed(AppendFramed(nil, Claim{Room: "r"}, 1), Release{Room: "r"}, 2))
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0, 0x10, 0, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		rest, used := b, 0
		for {
			frame, next, err := Split(rest)
			if frame == nil {
				if !bytes.Equal(next, rest) {
					t.Fatal("bytes were lost")
				}
				break
			}
			if err != nil || len(frame)+lengthSize+len(next) != len(rest) {
				t.Fatalf("%d bytes, error %v, and %d are left of %d", len(frame), err, len(next), len(rest))
			}
			used += lengthSize + len(frame)
			rest = next
		}
		if used+len(rest) != len(b) {
			t.Fatal("bytes were lost")
		}
	})
}

func FuzzParseFlow(f *testing.F) {
	f.Add(append(AppendFlow(nil, Flow{1, 2, true}), 1, 2, 3))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		flow, packet, err := ParseFlow(b)
		if err != nil {
			return
		}
		if len(packet) == 0 || !bytes.HasSuffix(b, packet) || flow.Encoding < 0 || flow.Encoding >= MaxEncodings {
			t.Fatalf("%+v, %x", flow, packet)
		}
		back, rest, err := ParseFlow(append(AppendFlow(nil, flow), packet...))
		if err != nil || back != flow || !bytes.Equal(rest, packet) {
			t.Fatalf("%+v is %+v, %v", flow, back, err)
		}
	})
}
