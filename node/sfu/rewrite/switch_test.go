package rewrite

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var at = time.UnixMilli(1e12)

func mapped(t *testing.T, s *Stream[string], origin string, p Packet, at time.Time) Mapped {
	t.Helper()
	m, verdict := s.Map(origin, &p, 1000, at)
	if verdict != Forward {
		t.Fatalf("%s %+v: verdict %d", origin, p, verdict)
	}
	return m
}

func TestSwitchOfSource(t *testing.T) {
	s := New[string](90000, 65535)
	if _, verdict := s.Map("a", &Packet{Seq: 9}, 1, at); verdict != Wait {
		t.Errorf("before a key frame: verdict %d, want Wait", verdict)
	}
	got := []Mapped{
		mapped(t, s, "a", Packet{Seq: 10, TS: 1000, Start: true, Picture: 5, TL0: 6, Frame: 40}, at),
		mapped(t, s, "a", Packet{Seq: 11, TS: 4000, Picture: 6, TL0: 7, Frame: 43}, at.Add(33*time.Millisecond)),
		mapped(t, s, "b", Packet{Seq: 700, TS: 5, Start: true, Picture: 0x7000, TL0: 99, Frame: 65535}, at.Add(50*time.Millisecond)),
		mapped(t, s, "b", Packet{Seq: 701, TS: 3005, Picture: 0x7001, TL0: 100, Frame: 2}, at.Add(83*time.Millisecond)),
	}
	want := []Mapped{
		{65535, 1000, 5, 6, 40},
		{0, 4000, 6, 7, 43},
		{1, 4000 + 17*90, 7, 8, 44},
		{2, 4000 + 17*90 + 3000, 8, 9, 47},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, verdict := s.Map("b", &Packet{Seq: 699}, 1, at); verdict != Drop {
		t.Errorf("before the start of its segment: verdict %d, want Drop", verdict)
	}
	if _, verdict := s.Map("a", &Packet{Seq: 12}, 1, at); verdict != Wait {
		t.Errorf("old source after the switch: verdict %d, want Wait", verdict)
	}
}

func TestNumbersThatACodecLacksGoOnWhereTheyStood(t *testing.T) {
	s := New[string](90000, 1)
	av1 := mapped(t, s, "av1", Packet{Seq: 1, Start: true, Frame: 65530}, at)
	mapped(t, s, "vp8", Packet{Seq: 1, TS: 5, Start: true, Picture: 700, TL0: 3}, at)
	mapped(t, s, "h264", Packet{Seq: 1, TS: 6, Start: true}, at)
	vp9 := mapped(t, s, "vp9", Packet{Seq: 1, TS: 7, Start: true, Picture: 900, TL0: 90}, at)
	again := mapped(t, s, "av1", Packet{Seq: 2, TS: 8, Start: true, Frame: 2}, at)
	if d := int16(again.Frame - av1.Frame); d < 1 || d > 5 {
		t.Errorf("frame number %d after %d", again.Frame, av1.Frame)
	}
	if vp9.Picture != 3 || vp9.TL0 != 3 {
		t.Errorf("picture %d, %d in the fourth segment", vp9.Picture, vp9.TL0)
	}
}

func TestEmptyPacketsSayNothing(t *testing.T) {
	s := New[string](90000, 1)
	if _, verdict := s.Map("a", &Packet{Seq: 9, Start: true, Empty: true}, 0, at); verdict != Wait {
		t.Errorf("an empty packet at the start: verdict %d, want Wait", verdict)
	}
	mapped(t, s, "a", Packet{Seq: 10, Start: true, Picture: 700, TL0: 8, Frame: 90}, at)
	mapped(t, s, "a", Packet{Seq: 11, Empty: true}, at)
	m := mapped(t, s, "b", Packet{Seq: 1, Start: true, Picture: 3, TL0: 3, Frame: 3}, at)
	if m.Picture != 701 || m.TL0 != 9 || m.Frame != 91 {
		t.Errorf("after an empty packet: %+v", m)
	}
}

func TestFrameNumbersThatGoBackDoNotCount(t *testing.T) {
	s := New[string](90000, 1)
	mapped(t, s, "a", Packet{Seq: 10, Start: true, Frame: 9000}, at)
	mapped(t, s, "a", Packet{Seq: 11, Frame: 1}, at)
	if m := mapped(t, s, "b", Packet{Seq: 1, Start: true, Frame: 3}, at); m.Frame != 9001 {
		t.Errorf("frame number %d, want one more than the greatest, 9000", m.Frame)
	}
}

func TestSwitchAtTheSameInstantMovesTime(t *testing.T) {
	s := New[string](48000, 1)
	a := mapped(t, s, "a", Packet{Seq: 1, TS: 7, Start: true}, at)
	b := mapped(t, s, "b", Packet{Seq: 1, TS: 7, Start: true}, at.Add(-time.Second))
	if b.TS != a.TS+48 {
		t.Errorf("timestamp %d after %d, want 1 ms more", b.TS, a.TS)
	}
}

func TestSwitchAfterLongSilence(t *testing.T) {
	s := New[string](90000, 1)
	a := mapped(t, s, "a", Packet{Seq: 1, TS: 7, Start: true}, at)
	s.Stop()
	b := mapped(t, s, "a", Packet{Seq: 9, TS: 8, Start: true}, at.Add(10*time.Second))
	if b.TS != a.TS+900_000 || b.Seq != a.Seq+1 {
		t.Errorf("got %+v after %+v, want 10 s and one packet more", b, a)
	}
}

func TestLatePacketOfTheOldEncoding(t *testing.T) {
	s := New[string](90000, 100)
	mapped(t, s, "low", Packet{Seq: 1, Start: true}, at)
	mapped(t, s, "low", Packet{Seq: 3}, at)
	mapped(t, s, "high", Packet{Seq: 50, Start: true}, at)
	if m := mapped(t, s, "low", Packet{Seq: 2}, at); m.Seq != 101 {
		t.Errorf("late packet got %d, want its place 101", m.Seq)
	}
	for _, seq := range []uint16{2, 4} {
		if _, verdict := s.Map("low", &Packet{Seq: seq}, 1, at); verdict == Forward {
			t.Errorf("packet %d of the old encoding was forwarded", seq)
		}
	}
}

func TestLocateOutsideHistory(t *testing.T) {
	s := New[string](90000, 100)
	if _, ok := s.Locate(100); ok {
		t.Error("found a packet before the first was sent")
	}
	for i := range uint16(20) {
		mapped(t, s, []string{"a", "b"}[i%2], Packet{Seq: i, Start: true}, at)
	}
	for seq, want := range map[uint16]bool{99: false, 100: false, 111: false, 112: true, 119: true, 120: false} {
		if _, ok := s.Locate(seq); ok != want {
			t.Errorf("Locate(%d) = %v, want %v", seq, ok, want)
		}
	}
}
