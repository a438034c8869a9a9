package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/socket"
)

// Load is what a participant is to a node.
type Load string

// What participants can be.
const (
	Receiver   Load = "receiver"   // gets the video and the voice of one who sends
	Muted      Load = "muted"      // has a media session, and a microphone and a camera that are muted, as all others
	Silent     Load = "silent"     // the same, but they are not muted, and send nothing all the same: everybody is to get all of them
	Signalling Load = "signalling" // is alone in a room of its own, which is in the figure: so there is no media session
)

// Loads are all of them.
var Loads = []Load{Receiver, Muted, Silent, Signalling}

// Weigh measures what one more participant takes of a node's memory.
type Weigh struct {
	Programs
	People   int
	Settle   time.Duration // from the last join to the look
	Profiles string        // folder for a heap profile and the goroutines of each; empty for none
	Out      io.Writer
}

// Weight is what came out, in bytes. All but Start are per participant.
type Weight struct {
	Load   Load  `json:"load"`
	Start  int64 `json:"bytes_at_start"`
	Each   int64 `json:"bytes_each"` // growth of resident memory
	Heap   int64 `json:"heap_each"`  // of that, memory in use by the heap, garbage included
	Stacks int64 `json:"stacks_each"`
	// Goroutines is how many there are for each, rounded.
	Goroutines int64 `json:"goroutines_each"`
}

// What a node may take at most.
const (
	mostAtStart = 40 << 20
	mostEach    = 200 << 10
	mostMuted   = 150 << 10
	mostSignals = 60 << 10
)

// Missed returns the bars that were missed.
func (w Weight) Missed() (all []string) {
	bar := map[Load]int64{Receiver: mostEach, Muted: mostMuted, Silent: mostEach, Signalling: mostSignals}[w.Load]
	for _, b := range []struct {
		what       string
		got, limit int64
	}{{"a node at its start", w.Start, mostAtStart}, {"one " + string(w.Load), w.Each, bar}} {
		if b.got > b.limit {
			all = append(all, fmt.Sprintf("%s takes %d KB, the limit is %d", b.what, b.got>>10, b.limit>>10))
		}
	}
	return all
}

// Run weighs one kind.
func (g Weigh) Run(ctx context.Context, l Load) (w Weight, err error) {
	pool, err := socket.NewPool()
	if err != nil {
		return w, err
	}
	defer pool.Close()
	s := Scenario{Name: string(l), Encodings: 1, Trace: Equal, Nodes: 1}
	if l == Receiver {
		s.Senders, s.Receivers = 1, g.People
	}
	w.Load = l
	r, err := open(ctx, Node, s, g.Programs, pool)
	if err != nil {
		return w, err
	}
	defer func() {
		if stopped := r.close(); err == nil {
			err = stopped
		}
	}()
	at := r.server.(*node).nodes[0]
	before, err := steady(ctx, at)
	if err != nil {
		return w, err
	}
	if l == Receiver {
		err = r.fill(ctx)
	} else {
		err = g.join(ctx, r, l)
	}
	if err != nil {
		return w, err
	}
	look := func(ctx context.Context) error {
		if err := rest(ctx, g.Settle); err != nil {
			return err
		}
		now, err := steady(ctx, at)
		each := func(of func(load.Sample) int64) int64 { return (of(now) - of(before)) / int64(g.People) }
		w.Start = before.RSS
		w.Each = each(func(s load.Sample) int64 { return s.RSS })
		w.Heap = each(func(s load.Sample) int64 { return s.HeapInUse })
		w.Stacks = each(func(s load.Sample) int64 { return s.Stacks })
		w.Goroutines = (now.Goroutines - before.Goroutines + int64(g.People)/2) / int64(g.People)
		return err
	}
	if l == Receiver {
		_, err = r.measure(ctx, time.Second, look)
	} else {
		err = look(ctx)
	}
	if err != nil {
		return w, err
	}
	if g.Out != nil {
		_, _ = fmt.Fprintf(g.Out, "%-12s %4d KB each (heap %d, stacks %d, %d goroutines), %.0f MB at start\n", l, w.Each>>10, w.Heap>>10, w.Stacks>>10, w.Goroutines, float64(w.Start)/(1<<20))
	}
	return w, g.keep(ctx, at, l)
}

// join lets everybody in who sends nothing.
func (g Weigh) join(ctx context.Context, r *room, l Load) error {
	at := r.server.(*node).nodes[0]
	for k := range g.People {
		ctx, cancel := context.WithTimeout(ctx, joinPatience)
		defer cancel()
		room := "load"
		if l == Signalling {
			room = fmt.Sprintf("load%d", k)
		}
		p, err := participant.Join(ctx, participant.Config{
			URL: at.URL, Domain: at.Domain, Room: room, Name: fmt.Sprintf("p%d", k), Network: r.pool, Muted: l == Muted,
			SSRCs: participant.SSRCs{Audio: 1, Video: []uint32{2}, RTX: []uint32{3}},
		})
		if err != nil {
			return fmt.Errorf("client %d: %w", k, err)
		}
		r.seats = append(r.seats, &occupant{Participant: p})
		if l != Signalling && k > 0 {
			if err := p.AwaitMedia(ctx); err != nil {
				return fmt.Errorf("client %d: %w", k, err)
			}
		}
	}
	return nil
}

// steady is the middle of three looks.
func steady(ctx context.Context, at *load.Node) (load.Sample, error) {
	var all []load.Sample
	for range 3 {
		s, err := at.Sample(ctx)
		if err != nil {
			return s, err
		}
		all = append(all, s)
		if err := rest(ctx, 500*time.Millisecond); err != nil {
			return s, err
		}
	}
	slices.SortFunc(all, func(a, b load.Sample) int { return int(a.RSS - b.RSS) })
	return all[1], nil
}

func (g Weigh) keep(ctx context.Context, at *load.Node, l Load) error {
	if g.Profiles == "" {
		return nil
	}
	for name, path := range map[string]string{
		".heap": "/debug/pprof/heap?gc=1", ".goroutines": "/debug/pprof/goroutine?debug=1", ".metrics": "/metrics",
	} {
		raw, err := at.Get(ctx, path)
		if err == nil {
			err = os.WriteFile(filepath.Join(g.Profiles, string(l)+name), raw, 0o644)
		}
		if err != nil {
			return fmt.Errorf("keep a profile: %w", err)
		}
	}
	return nil
}
