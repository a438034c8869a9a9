package reception

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPlacedPacketsAreTakenOnce: by their extended numbers, over wraps of the 16 and of the 40 bits.
func TestPlacedPacketsAreTakenOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewStream(90000)
		first := rapid.OneOf(rapid.Uint64Range(1<<40-300, 1<<40-1), rapid.Uint64Range(65300, 65535), rapid.Uint64Range(0, 100)).Draw(t, "first")
		const mask = 1<<40 - 1
		taken := map[uint64]bool{}
		if s.Place(first, 0, begin) != Fresh {
			t.Fatal("the first packet is not fresh")
		}
		highest := first
		taken[first&mask] = true
		for range rapid.IntRange(1, 400).Draw(t, "packets") {
			n := highest + rapid.Uint64Range(0, 60).Draw(t, "step") - 30
			got := s.Place(n&mask, 0, begin)
			want := Late
			switch {
			case int64(n-highest) > 0:
				want, highest = Fresh, n
			case taken[n&mask] || int64(first-n) > earlier:
				want = Duplicate
			}
			if got != want {
				t.Fatalf("number %d, highest %d: verdict %d, want %d", n, highest, got, want)
			}
			taken[n&mask] = true
		}
		if s.Highest() != uint16(highest) || s.Cycle() != uint32(highest>>16)&0xffffff {
			t.Fatalf("highest %d of cycle %d", s.Highest(), s.Cycle())
		}
	})
}

func TestAPlacedJump(t *testing.T) {
	s := NewStream(90000)
	for i, step := range []struct {
		n    uint64
		at   time.Duration
		want Verdict
	}{
		{1000, 0, Fresh},
		{4000, 0, Fresh},               // as far as is asked for in any case
		{7001, 0, Restarted},           // farther: at once, without a second packet
		{7001 - 64, 0, Late},           // overtaken
		{7001 - 65, 0, Duplicate},      // of before
		{1 << 30, 0, Restarted},        // the same sequence number as 0, and more than one cycle
		{1<<30 + 1, 0, Fresh},          //
		{7002, time.Second, Duplicate}, // old
		{1 << 30, time.Second, Duplicate},
		{1<<30 + 2, 2 * time.Second, Fresh},
		{7002, 4 * time.Second, Duplicate}, // old still
		{7003, 4*time.Second + 1, Restarted},
		{7004, 5 * time.Second, Fresh},
	} {
		if got := s.Place(step.n, 0, begin.Add(step.at)); got != step.want {
			t.Errorf("step %d: verdict %d, want %d", i, got, step.want)
		}
	}
	// A packet that is not placed goes by its sequence number, near the highest.
	if got := s.Receive(7006, 0, begin.Add(5*time.Second), false); got != Fresh || s.Cycle() != 0 {
		t.Errorf("verdict %d, cycle %d", got, s.Cycle())
	}
}
