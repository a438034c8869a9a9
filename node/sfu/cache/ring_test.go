package cache

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func content(seq uint16, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seq) + byte(i)
	}
	if n >= 2 {
		binary.BigEndian.PutUint16(b, seq)
	}
	return b
}

// TestRing compares with a map: what is found is what was put last under the number, and what fits easily is found.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{Packets: rapid.IntRange(1, 128).Draw(t, "packets"), Bytes: rapid.IntRange(16, 20000).Draw(t, "bytes")}
		r := New(l)
		put := map[uint16][]byte{}
		seq := rapid.Uint16().Draw(t, "first")
		now := time.UnixMilli(1e12)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			seq += rapid.Uint16Range(1, 3).Draw(t, "gap")
			at := seq - rapid.SampledFrom([]uint16{0, 0, 0, 2}).Draw(t, "late")
			p := content(at, rapid.IntRange(1, 1500).Draw(t, "length"))
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "ms")) * time.Millisecond)
			r.Put(at, p, uint64(at)+7, now)
			if len(p) <= power(l.Bytes) {
				put[at] = p
				if got, note, ok := r.Get(at); !ok || !bytes.Equal(got, p) || note != uint64(at)+7 {
					t.Fatalf("packet %d not found right after it was put", at)
				}
			}
		}
		for s, want := range put {
			if got, _, ok := r.Get(s); ok && !bytes.Equal(got, want) {
				t.Fatalf("packet %d is %d bytes of something else", s, len(got))
			}
		}
		if _, _, ok := r.Get(seq + 1); ok {
			t.Fatal("found a packet that was never put")
		}
		if limit := power(l.Bytes) + 24*power(l.Packets); r.Size() > limit {
			t.Fatalf("takes %d bytes of %d", r.Size(), limit)
		}
	})
}

// TestKeepsHalfASecondAtLeast holds for every rate below the limits, from the first packet on.
func TestKeepsHalfASecondAtLeast(t *testing.T) {
	for _, perSecond := range []int{10, 50, 100, 300, 400} {
		r := New(Video)
		now := time.UnixMilli(1e12)
		step := time.Second / time.Duration(perSecond)
		for i := range 5 * perSecond {
			r.Put(uint16(i), content(uint16(i), 1200), 0, now)
			now = now.Add(step)
			oldest := max(0, i-perSecond/2+1)
			for s := oldest; s <= i; s++ {
				if _, _, ok := r.Get(uint16(s)); !ok {
					t.Fatalf("%d a second: packet %d lost at %d", perSecond, s, i)
				}
			}
		}
	}
}

func TestIdleRingTakesNothing(t *testing.T) {
	r := New(Video)
	if r.Size() != 0 {
		t.Errorf("empty ring takes %d bytes", r.Size())
	}
	if _, _, ok := r.Get(0); ok {
		t.Error("found a packet in an empty ring")
	}
	r.Put(0, content(0, 100), 0, time.UnixMilli(1))
	if r.Size() > 4<<10 {
		t.Errorf("ring with one packet takes %d bytes", r.Size())
	}
	r.Reset()
	if _, _, ok := r.Get(0); ok || r.Size() != 0 {
		t.Error("something is left after Reset")
	}
}

func TestPutDoesNotAllocate(t *testing.T) {
	r := New(Video)
	p := content(1, 1200)
	now, seq := time.UnixMilli(1e12), uint16(0)
	put := func() {
		seq++
		now = now.Add(3 * time.Millisecond)
		r.Put(seq, p, 0, now)
		r.Get(seq - 10)
	}
	for range 2000 {
		put()
	}
	if n := testing.AllocsPerRun(2000, put); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkPut(b *testing.B) {
	r := New(Video)
	p := content(1, 1200)
	now, seq := time.UnixMilli(1e12), uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		seq++
		now = now.Add(3 * time.Millisecond)
		r.Put(seq, p, 0, now)
	}
}
