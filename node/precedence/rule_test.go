package precedence

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTheNodeComesFirstWhileSomebodyJoins(t *testing.T) {
	var r rule
	at := time.Unix(1000, 0)
	for _, s := range []struct {
		after          time.Duration
		joining, first bool
	}{
		{0, false, false},
		{time.Second, true, true},
		{2 * time.Second, true, true},
		{4 * time.Second, false, false},
		{5 * time.Second, true, true},        // the next one need not wait: 3 s are spent, less 1
		{13*time.Second - look, true, true},  // 10 s, almost
		{13 * time.Second, true, false},      // the longest
		{14 * time.Second, false, false},     // going away and coming back does not help
		{23*time.Second - look, true, false}, // as long, almost
		{23 * time.Second, true, true},       // and once more
		{24 * time.Second, false, false},
	} {
		if got := r.judge(at.Add(s.after), s.joining); got != s.first {
			t.Errorf("after %v, joining %v: first %v", s.after, s.joining, got)
		}
	}
}

// TestAProcessThatStoodStillIsNotTiredForAsLong, as when its machine was paused.
func TestAProcessThatStoodStillIsNotTiredForAsLong(t *testing.T) {
	var r rule
	at := time.Unix(1000, 0)
	for _, s := range []struct {
		after time.Duration
		first bool
	}{{0, true}, {time.Hour, false}, {time.Hour + longest - look, false}, {time.Hour + longest, true}} {
		if got := r.judge(at.Add(s.after), true); got != s.first {
			t.Errorf("after %v: first %v", s.after, got)
		}
	}
}

// TestOthersComeFirstForHalfOfTheTime: also of the time of whoever has people come and go at will.
func TestOthersComeFirstForHalfOfTheTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r rule
		now := time.Unix(1000, 0)
		begun := now
		var first time.Duration
		for range 2000 {
			joining := rapid.IntRange(0, 9).Draw(t, "joining") > 0
			if r.judge(now, joining) {
				first += look
			}
			now = now.Add(look)
		}
		if all := now.Sub(begun); first > all/2+longest {
			t.Fatalf("first for %v of %v", first, all)
		}
	})
}
