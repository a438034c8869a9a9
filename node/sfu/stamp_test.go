package sfu

import (
	"math"
	"testing"
	"time"
)

func TestStampsAge(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		name string
		s    stamp
		want time.Duration
	}{
		{"none", 0, math.MaxInt64},
		{"just now", stampOf(now), 0},
		{"before", stampOf(now.Add(-time.Second)), time.Second},
		{"ahead, because the clock was set back", stampOf(now.Add(time.Hour)), math.MaxInt64},
	} {
		if got := c.s.age(now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
