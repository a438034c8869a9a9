package reception

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var begin = time.UnixMilli(1e12)

func TestEveryPacketIsTakenOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewStream(90000)
		first := rapid.Uint16().Draw(t, "first")
		taken := map[uint16]bool{}
		highest := first
		s.Receive(first, 0, begin, false)
		taken[first] = true
		for range rapid.IntRange(1, 400).Draw(t, "packets") {
			seq := highest + rapid.Uint16Range(0, 40).Draw(t, "step") - 20
			recovered := rapid.Bool().Draw(t, "recovered")
			verdict := s.Receive(seq, 0, begin, recovered)
			newer := int16(seq-highest) > 0
			var want Verdict
			switch {
			case newer:
				want, highest = Fresh, seq
			case taken[seq] || int16(seq-first) < 0 && highest-first < 1<<15:
				want = Duplicate
			default:
				want = Late
			}
			if verdict != want {
				t.Fatalf("packet %d, highest %d: verdict %d, want %d", seq, highest, verdict, want)
			}
			taken[seq] = verdict != Duplicate || taken[seq]
		}
		if s.Highest() != highest {
			t.Fatalf("highest %d, want %d", s.Highest(), highest)
		}
	})
}

func TestJumpNeedsConfirmation(t *testing.T) {
	s := NewStream(90000)
	s.Receive(100, 0, begin, false)
	for _, step := range []struct {
		seq  uint16
		want Verdict
	}{
		{20000, Doubtful}, {101, Fresh}, {20001, Doubtful}, {50000, Doubtful}, {50001, Restarted}, {50002, Fresh}, {50000, Duplicate}, {102, Doubtful},
	} {
		if got := s.Receive(step.seq, 0, begin, false); got != step.want {
			t.Errorf("packet %d: verdict %d, want %d", step.seq, got, step.want)
		}
	}
}

func TestRetransmissionAloneStartsNothing(t *testing.T) {
	s := NewStream(90000)
	if got := s.Receive(1, 0, begin, true); got != Doubtful {
		t.Errorf("verdict %d", got)
	}
	if _, ok := s.Report(begin); ok {
		t.Error("report of a stream that never came")
	}
}

func TestReport(t *testing.T) {
	s := NewStream(90000)
	now := begin
	for i := range 100 {
		now = now.Add(10 * time.Millisecond)
		if i%10 == 5 {
			continue
		}
		s.Receive(uint16(65500+i), uint32(i*900), now, false)
	}
	s.Receive(uint16(65505), 5*900, now, true) // came by retransmission: still lost on its own way
	s.SenderReport(0xabcdef01, now.Add(-500*time.Millisecond))
	got, ok := s.Report(now)
	want := Report{FractionLost: 25, TotalLost: 10, Highest: 1<<16 + 63, LastReport: 0xabcdef01, SinceLastInNTP: 32768}
	if !ok || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, _ := s.Report(now); got.FractionLost != 0 || got.TotalLost != 10 {
		t.Errorf("second report %+v", got)
	}
}

func TestJitter(t *testing.T) {
	s := NewStream(48000)
	now := begin
	for i := range 200 {
		now = now.Add(20 * time.Millisecond)
		at := now
		if i%2 == 0 {
			at = at.Add(5 * time.Millisecond)
		}
		s.Receive(uint16(i), uint32(i*960), at, false)
	}
	got, _ := s.Report(now)
	// Every transit differs from the one before by 5 ms = 240 ticks.
	if got.Jitter < 235 || got.Jitter > 240 {
		t.Errorf("jitter %d ticks, want about 240", got.Jitter)
	}
}
