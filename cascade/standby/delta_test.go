package standby

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestDeltaMakesTheNextValue of any other, and of one that differs by a few bytes it is short.
func TestDeltaMakesTheNextValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prev := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "prev")
		next := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "next")
		if rapid.Bool().Draw(t, "alike") {
			next = bytes.Clone(prev)
			for range rapid.IntRange(0, 6).Draw(t, "changes") {
				at := rapid.IntRange(0, len(next)).Draw(t, "at")
				end := rapid.IntRange(at, min(len(next), at+200)).Draw(t, "end")
				next = append(append(bytes.Clone(next[:at]), rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "new")...), next[end:]...)
			}
		}
		delta := appendDelta(nil, prev, next)
		got, err := amend(prev, delta, len(next))
		if err != nil || !bytes.Equal(got, next) {
			t.Fatalf("%x by %x is %x (%v), want %x", prev, delta, got, err, next)
		}
		if len(next) > 0 {
			if _, err := amend(prev, delta, len(next)-1); err == nil {
				t.Fatal("a value above the limit")
			}
		}
	})
}

// TestDeltaIsAsShortAsTheChange: what stays is not sent again, wherever something came, went or became another.
func TestDeltaIsAsShortAsTheChange(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	prev := make([]byte, 20_000)
	for i := range prev {
		prev[i] = byte(r.Uint32())
	}
	for name, next := range map[string][]byte{
		"a byte":  append(append(bytes.Clone(prev[:9000]), prev[9000]+1), prev[9001:]...),
		"came":    append(append(bytes.Clone(prev[:9000]), bytes.Repeat([]byte("new "), 300)...), prev[9000:]...),
		"went":    append(bytes.Clone(prev[:9000]), prev[10_500:]...),
		"longer":  append(bytes.Clone(prev), 1, 2, 3),
		"shorter": prev[:15_000],
		"same":    prev,
		"window":  append(append(bytes.Clone(prev[:9000]), bytes.Repeat([]byte{0x55}, 64)...), prev[9064:]...),
	} {
		delta := appendDelta(nil, prev, next)
		most := 30
		switch name {
		case "came":
			most += 1200
		case "window":
			most += 64
		}
		if got, err := amend(prev, delta, 1<<20); err != nil || !bytes.Equal(got, next) || len(delta) > most {
			t.Errorf("%s: %d bytes, want at most %d (%v)", name, len(delta), most, err)
		}
	}
}

// TestDeltaOfHostileValuesIsCheap: values that are made to be hard to compare are given up on.
func TestDeltaOfHostileValuesIsCheap(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	prev, next := make([]byte, 1<<20), make([]byte, 1<<20)
	for i := range prev {
		prev[i], next[i] = byte(r.Uint32()), byte(r.Uint32())
		if i%90 < 15 {
			next[i] = prev[i]
		}
	}
	if _, rest := compare(nil, prev, next, work); rest > 0 || rest < -len(prev) {
		t.Errorf("%d of %d are left, want all spent and little more", rest, work)
	}
	if got, err := amend(prev, appendDelta(nil, prev, next), 1<<21); err != nil || !bytes.Equal(got, next) {
		t.Errorf("the change does not make the value: %v", err)
	}
}

// TestDeltaThatDoesNotFit the value is an error, whatever is wrong with it.
func TestDeltaThatDoesNotFit(t *testing.T) {
	for name, delta := range map[string][]byte{
		"copies too much":      {5, 0, 0},
		"leaves out too much":  {1, 4, 0},
		"has not what it puts": {4, 0, 1},
		"ends early":           {3, 0, 0},
		"is cut off":           {4, 0},
	} {
		if next, err := amend([]byte("prev"), delta, 100); err == nil {
			t.Errorf("a change that %s makes %q", name, next)
		}
	}
}

// FuzzAmend: a change that another node sends makes at most as much as it may, or is an error.
func FuzzAmend(f *testing.F) {
	f.Add([]byte("prev"), appendDelta(nil, []byte("prev"), []byte("prefix")))
	f.Add([]byte("prev"), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0})
	f.Fuzz(func(t *testing.T, prev, delta []byte) {
		const limit = 1000
		next, err := amend(prev, delta, limit)
		if err == nil && len(next) > limit {
			t.Fatalf("%d bytes", len(next))
		}
		if err != nil && next != nil {
			t.Fatal("a value and an error")
		}
	})
}
