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
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	t := tidier{tidied: look()}
	t.last = t.tidied
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		switch t.decide(look()) {
		case collect:
			runtime.GC()
		case release:
			debug.FreeOSMemory()
		case leave:
			continue
		}
		t.tidied = look()
		t.last = t.tidied
	}
}

// heap is what the runtime says of its heap. All but cycles are bytes.
type heap struct {
	live      uint64 // after the last collection
	used      uint64 // garbage included
	free      uint64 // the system could have it back
	allocated uint64 // since the start
	cycles    uint64 // collections since the start
}

func look() heap {
	s := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(s)
	return heap{s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64(), s[3].Value.Uint64(), s[4].Value.Uint64()}
}

// What is to be done.
type tidying int

const (
	leave   tidying = iota
	collect         // the runtime gives back by itself what is free then
	release         // collect, and give back everything that is free
)

// tidier decides when a collection is worth its time.
type tidier struct {
	tidied heap // right after the last tidying
	last   heap // at the last look
}

// decide says what is to be done with a heap.
func (t *tidier) decide(now heap) tidying {
	worth := max(now.live/tidyShare, tidyLeast)
	// The runtime collects in the middle of a storm, and finds what is under way alive. When it does not come back to that, we do.
	quiet := now.cycles == t.last.cycles && now.allocated-t.tidied.allocated > worth
	t.last = now
	garbage := now.used > now.live+worth || quiet
	switch {
	case !garbage && now.free <= worth:
		return leave
	case now.used+now.free <= now.live+tidyMost:
		return release
	case garbage:
		return collect
	}
	return leave
}
