package rewrite

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestResume moves a stream in the middle, across a sequence wrap: the numbers go on as if nothing had happened, and
// nothing that the first may have sent is sent again.
func TestResume(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seq, ts := rapid.Uint16().Draw(t, "seq"), rapid.Uint32().Draw(t, "ts")
		a := New[string](90000, rapid.Uint16().Draw(t, "first"))
		for i := range uint16(3) {
			a.Map("x", &Packet{Seq: 9 + i, TS: 8, Start: true, Picture: 3, TL0: 200}, 10, at)
		}
		n := rapid.Uint16Range(1, 20).Draw(t, "packets")
		packet := func(i uint16) *Packet {
			return &Packet{Seq: seq + i, TS: ts + 3000*uint32(i), Start: i == 0, Picture: (100 + i) & 0x7fff, TL0: uint8(i), Frame: 65530 + i}
		}
		for i := range n {
			a.Map("y", packet(i), 10, at.Add(time.Duration(i)*time.Millisecond))
		}
		st := a.State()
		b := Resume(90000, &st, "y", st.InSSRC != 0)
		for i := range n {
			if m, verdict := b.Map("y", packet(i), 10, at); verdict == Forward {
				t.Fatalf("packet %d sent before the move was sent again as %+v", i, m)
			}
		}
		for i := n; i < n+5; i++ {
			want, _ := a.Map("y", packet(i), 10, at)
			got, verdict := b.Map("y", packet(i), 10, at)
			if verdict != Forward || got != want {
				t.Fatalf("packet %d: %+v, verdict %d, want %+v", i, got, verdict, want)
			}
		}
		if got, want := b.State(), a.State(); got != want {
			t.Fatalf("state %+v, want %+v", got, want)
		}
	})
}

func TestResumeStopped(t *testing.T) {
	a := New[string](90000, 5)
	a.Map("x", &Packet{Seq: 9, TS: 8, Start: true, Picture: 3}, 10, at)
	a.Stop()
	st := a.State()
	if st.InSSRC != 0 {
		t.Errorf("a stopped stream has InSSRC %d", st.InSSRC)
	}
	b := Resume(90000, &st, "x", false)
	if _, verdict := b.Map("x", &Packet{Seq: 10}, 10, at); verdict != Wait {
		t.Errorf("verdict %d, want Wait", verdict)
	}
	m, verdict := b.Map("x", &Packet{Seq: 11, Start: true, Picture: 70}, 10, at.Add(time.Second))
	if want := (Mapped{Seq: 6, TS: 8 + 90000, Picture: 4, TL0: 1, Frame: 1}); verdict != Forward || m != want {
		t.Errorf("got %+v, verdict %d, want %+v", m, verdict, want)
	}
}

func TestResumeNeverStarted(t *testing.T) {
	st := New[string](90000, 5).State()
	b := Resume(90000, &st, "x", false)
	m, verdict := b.Map("x", &Packet{Seq: 11, TS: 77, Start: true, Picture: 70}, 10, at)
	if want := (Mapped{Seq: 5, TS: 77, Picture: 70}); verdict != Forward || m != want {
		t.Errorf("got %+v, verdict %d, want %+v", m, verdict, want)
	}
}

func TestMapDoesNotAllocate(t *testing.T) {
	s := New[string](90000, 5)
	p := &Packet{Start: true}
	if n := testing.AllocsPerRun(1000, func() {
		p.Seq++
		p.TS += 90
		s.Map("x", p, 1000, at)
		s.Locate(p.Seq)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
