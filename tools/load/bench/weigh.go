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
//
// Two figures are held against the bars. Own is what everybody takes since the start, the first two included, of memory that is the
// node's own: the rest is its program, of which the first two bring two megabytes more into memory, which is the system's to drop again and
// no participant's. Each is the growth of all that is resident, for those after the first two.
//
// A look is Settle after the last join: by then the node has given back what a join needs and leaves, which it does every ten seconds.
// Memory is read from the system, before the node is asked for anything.
type Weigh struct {
	Programs
	People   int           // beside the first two; of those who only signal, four times as many
	Settle   time.Duration // from the last join to the look
	Profiles string        // folder for a heap profile and the goroutines of each; empty for none
	Out      io.Writer
}

// Weight is what came out, in bytes. Each, Heap, Stacks and Goroutines are for one of those after the first two.
type Weight struct {
	Load  Load  `json:"load"`
	Start int64 `json:"bytes_at_start"`
	First int64 `json:"bytes_of_the_first_two"`
	Each  int64 `json:"bytes_each"` // growth of resident memory
	// FromStart is the growth since the start divided by all of them, the first two included; Own is that of the node's own memory.
	FromStart int64 `json:"bytes_each_from_start"`
	Own       int64 `json:"own_bytes_each_from_start"`
	Heap      int64 `json:"heap_each"` // of Each, memory in use by the heap, garbage included
	Stacks    int64 `json:"stacks_each"`
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
	}{{"a node at its start", w.Start, mostAtStart}, {"one " + string(w.Load), max(w.Each, w.Own), bar}} {
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
	if l == Signalling {
		g.People *= 4 // a look is half a megabyte off, and each of these takes a third of what the others do
	}
	s := Scenario{Name: string(l), Encodings: 1, Trace: Equal, Nodes: 1}
	if l == Receiver {
		s.Senders, s.Receivers = 1, g.People+1
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
	start, ownStart, err := steady(ctx, at)
	if err != nil {
		return w, err
	}
	var first load.Sample
	r.two = func(ctx context.Context) (err error) {
		if err := rest(ctx, g.Settle); err != nil {
			return err
		}
		first, _, err = steady(ctx, at)
		return err
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
		now, own, err := steady(ctx, at)
		people := int64(g.People)
		each := func(of func(load.Sample) int64) int64 { return (of(now) - of(first)) / people }
		w.Start = start.RSS
		w.First = first.RSS - start.RSS
		w.FromStart = (now.RSS - start.RSS) / (people + 2)
		w.Own = (own - ownStart) / (people + 2)
		w.Each = each(func(s load.Sample) int64 { return s.RSS })
		w.Heap = each(func(s load.Sample) int64 { return s.HeapInUse })
		w.Stacks = each(func(s load.Sample) int64 { return s.Stacks })
		w.Goroutines = (now.Goroutines - first.Goroutines + people/2) / people
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
		const mb = 1 << 20
		_, _ = fmt.Fprintf(g.Out, "%-12s %4d KB each (heap %d, stacks %d, %d goroutines); %.0f MB at start, %.1f MB for the first two; from start %d KB each, %d without the program's file\n",
			l, w.Each>>10, w.Heap>>10, w.Stacks>>10, w.Goroutines, float64(w.Start)/mb, float64(w.First)/mb, w.FromStart>>10, w.Own>>10)
	}
	return w, g.keep(ctx, at, l)
}

// join lets everybody in who sends nothing.
func (g Weigh) join(ctx context.Context, r *room, l Load) error {
	at, whole := r.server.(*node).nodes[0], ctx
	for k := range g.People + 2 {
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
		if k == 1 {
			if err := r.two(whole); err != nil {
				return err
			}
		}
	}
	return nil
}

// steady is what a node holds, with the middle of three looks at its resident memory, and at the part of that which is its own. To ask a
// node makes garbage there, so that comes last.
func steady(ctx context.Context, at *load.Node) (s load.Sample, own int64, err error) {
	var all, owns []int64
	for range 3 {
		n, err := load.RSS(at.PID)
		if err != nil {
			return s, 0, err
		}
		own, err := load.Own(at.PID)
		if err != nil {
			return s, 0, err
		}
		all, owns = append(all, n), append(owns, own)
		if err := rest(ctx, 500*time.Millisecond); err != nil {
			return s, 0, err
		}
	}
	slices.Sort(all)
	slices.Sort(owns)
	s, err = at.Sample(ctx)
	s.RSS = all[1]
	return s, owns[1], err
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
