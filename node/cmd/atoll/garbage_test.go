package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// percentNow is how often the collector runs.
func percentNow() int {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

func TestACrowdLetsTheCollectorRest(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(debug.SetGCPercent(garbage))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var crowded atomic.Bool
		go relax(ctx, crowded.Load)
		for _, s := range []struct {
			crowded bool
			want    int
		}{{false, garbage}, {true, crowdGarbage}, {true, crowdGarbage}, {false, garbage}} {
			crowded.Store(s.crowded)
			time.Sleep(crowdEvery)
			synctest.Wait()
			if got := percentNow(); got != s.want {
				t.Errorf("a crowd %v: %d %%, want %d", s.crowded, got, s.want)
			}
		}
		cancel()
	})
}

func TestTheGarbageOfACrowdIsBounded(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 50 << 20: 400, 100 << 20: 200, 500 << 20: 40, 1 << 40: 40} {
		if got := crowdPercent(live); got != want {
			t.Errorf("%d %% of %d MB, want %d", got, live>>20, want)
		}
	}
}

func TestGOGCIsNotOverridden(t *testing.T) {
	t.Setenv("GOGC", "70")
	defer debug.SetGCPercent(debug.SetGCPercent(70))
	relax(t.Context(), func() bool { return true }) // returns at once
	if got := percentNow(); got != 70 {
		t.Errorf("%d %%", got)
	}
}
