package wire

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, draw func(*rapid.T) Frame) {
		rapid.Check(t, func(t *rapid.T) {
			want := draw(t)
			if err := Valid(want); err != nil {
				t.Fatal(err)
			}
			prefix := []byte("before")
			b := Append(prefix, want, Version)
			if !bytes.HasPrefix(b, prefix) {
				t.Fatalf("%q lost what was before", b)
			}
			b = b[len(prefix):]
			got, err := Parse(b, Version)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), addresses); diff != "" {
				t.Fatal(diff)
			}
			for range 3 { // maps have no order of their own
				if again := Append(nil, got, Version); !bytes.Equal(again, b) {
					t.Fatalf("two encodings of one value:\n%x\n%x", b, again)
				}
			}
		})
	})
}

func TestParsedSharesNoMemory(t *testing.T) {
	each(t, func(t *testing.T, draw func(*rapid.T) Frame) {
		rapid.Check(t, func(t *rapid.T) {
			want := draw(t)
			b := Append(nil, want, Version)
			got, err := Parse(b, Version)
			if err != nil {
				t.Fatal(err)
			}
			clear(b)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), addresses); diff != "" {
				t.Fatal(diff)
			}
		})
	})
}

// Every prefix of a frame is refused: no field is optional by accident.
func TestTruncatedIsRefused(t *testing.T) {
	each(t, func(t *testing.T, draw func(*rapid.T) Frame) {
		rapid.Check(t, func(t *rapid.T) {
			f := draw(t)
			b := Append(nil, f, OldestVersion)
			n := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
			if got, err := Parse(b[:n], OldestVersion); err == nil {
				t.Fatalf("%d of %d bytes are %+v", n, len(b), got)
			}
		})
	})
}
