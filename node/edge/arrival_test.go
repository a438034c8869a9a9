package edge

import (
	"testing"
	"time"
)

func TestArrivedComparesWithTheTimeOfReading(t *testing.T) {
	now := time.Now()
	wall := now.Round(0)
	for name, x := range map[string]struct {
		at   time.Time
		want time.Duration // before now
	}{
		"no stamp":             {time.Time{}, 0},
		"waited":               {wall.Add(-30 * time.Millisecond), 30 * time.Millisecond},
		"clock was set back":   {wall.Add(time.Hour), 0},
		"clock was set onward": {wall.Add(-time.Hour), oldest},
	} {
		if got := now.Sub(arrived(now, x.at)); got != x.want {
			t.Errorf("%s: %v before it was read, want %v", name, got, x.want)
		}
	}
}
