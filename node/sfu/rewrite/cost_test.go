package rewrite

import (
	"testing"
	"time"
)

// flow returns a function that maps the next packet of one running stream.
func flow(t testing.TB) func() {
	s := New[int](90000, 65000)
	p := Packet{Seq: 1, TS: 1, Start: true}
	now := time.UnixMilli(1e12)
	return func() {
		p.Seq++
		if p.Seq%6 == 0 {
			p.TS += 3000
			p.Picture++
			now = now.Add(33 * time.Millisecond)
		}
		if _, v := s.Map(1, &p, 1000, now); v != Forward {
			t.Fatalf("packet %d: %v", p.Seq, v)
		}
	}
}

func BenchmarkMap(b *testing.B) {
	next := flow(b)
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
}
