package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	tidyEvery = 10 * time.Second
	// tidyShare is the part of the live heap that must have been allocated since the last collection for one to be worth its time.
	tidyShare = 8
	// tidyLeast is the same in bytes: below it nobody notices.
	tidyLeast = 1 << 20
	// tidyMost is how much is given back at once, which takes about 10 ms in which nothing may stop the world; of more the runtime
	// gives back a little at a time.
	tidyMost = 64 << 20
)

// tidy gives memory back until ctx ends. Packets make no garbage, so that after some joins the collector may not run again for
// minutes, and what they left, stacks that were deep once included, stays resident. A collection every ten seconds at most, and
// only after there was something to collect, costs less than a thousandth of a processor for each ten megabytes.
func tidy(ctx context.Context) {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		metrics.Read(heap)
		switch live, used, free := heap[0].Value.Uint64(), heap[1].Value.Uint64(), heap[2].Value.Uint64(); {
		case !worthTidying(live, used, free):
		case used+free > live+tidyMost:
			if worthTidying(live, used, 0) {
				runtime.GC()
			}
		default:
			debug.FreeOSMemory()
		}
	}
}

// worthTidying says whether a heap that held live bytes after the last collection, now holds used, and has free ones that the system
// could have back, is worth another.
func worthTidying(live, used, free uint64) bool {
	worth := max(live/tidyShare, tidyLeast)
	return used > live+worth || free > worth
}
