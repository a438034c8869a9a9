package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

const (
	// garbage is how much of the live heap may be garbage, in percent: packets make none, so that the memory a join leaves is not
	// needed for anything. With 100 or more what is left of it afterwards is scattered over so many pages that a participant
	// takes half as much again for good. GOGC overrides it.
	garbage = 40
	// crowdGarbage is the same while many join at once. The heap is small and they leave much: there would be twenty collections a
	// second, which take a third of the node's time and the processors away from media.
	crowdGarbage = 400
	// mostGarbage is how many bytes that may be at most: of a large heap four parts more would not fit into the machine.
	mostGarbage = 200 << 20
	crowdEvery  = 50 * time.Millisecond
)

// collects says that how often the collector runs is ours to say.
func collects() bool { return os.Getenv("GOGC") == "" }

// relax lets the collector run less often while crowded says so, until ctx ends.
func relax(ctx context.Context, crowded func() bool) {
	if !collects() {
		return
	}
	ticker := time.NewTicker(crowdEvery)
	defer ticker.Stop()
	set := garbage
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		want := garbage
		if crowded() {
			want = crowdPercent(look().live)
		}
		if want != set {
			set = want
			debug.SetGCPercent(set)
		}
	}
}

// crowdPercent returns how much of a live heap may be garbage while many join at once.
func crowdPercent(live uint64) int {
	return int(min(max(100*mostGarbage/max(live, 1), garbage), crowdGarbage))
}
