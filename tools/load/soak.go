package load

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/socket"
)

// Soak keeps a room full whose participants come and go, and looks at what the node holds on to.
type Soak struct {
	Node    *Node
	People  int
	Senders int           // of them that send as beacons do
	Every   time.Duration // one leaves and another comes
	Warm    time.Duration // before figures count
	Stay    time.Duration // after that
	Sample  time.Duration // how often is looked
	Out     io.Writer     // gets one line for each sample
}

// Soaked is what came out.
type Soaked struct {
	Samples []Sample `json:"samples"` // after the warm-up
	Joined  int      `json:"joined"`
	Failed  []string `json:"failed,omitempty"` // joins, and media sessions that ended
}

// Sample is what a node holds at one time.
type Sample struct {
	At         time.Duration `json:"at_ns"`
	RSS        int64         `json:"rss"`
	Heap       int64         `json:"heap"`        // bytes of objects, garbage included
	HeapInUse  int64         `json:"heap_in_use"` // bytes of memory that the heap uses
	Stacks     int64         `json:"stacks"`
	Goroutines int64         `json:"goroutines"`
}

// tenant is one participant of a soak.
type tenant struct {
	*participant.Participant
	end     context.CancelFunc
	sending sync.WaitGroup
}

// Run soaks.
func (s Soak) Run(ctx context.Context) (out Soaked, err error) {
	if s.People < 2 || s.Senders > s.People || s.Every <= 0 || s.Sample <= 0 {
		return out, errors.New("at least two people, no more senders than people, and times are needed")
	}
	pool, err := socket.NewPool()
	if err != nil {
		return out, err
	}
	defer pool.Close()
	var tenants []*tenant
	defer func() {
		for _, t := range tenants {
			t.leave()
		}
	}()
	come := func() {
		t, err := s.come(ctx, pool, out.Joined)
		out.Joined++
		if err != nil {
			out.Failed = append(out.Failed, err.Error())
			return
		}
		tenants = append(tenants, t)
	}
	for range s.People {
		come()
	}
	pool.Gather(true)
	begun := time.Now()
	churn, sample := time.NewTicker(s.Every), time.NewTicker(s.Sample)
	defer churn.Stop()
	defer sample.Stop()
	for time.Since(begun) < s.Warm+s.Stay {
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-churn.C:
			if len(tenants) > 0 {
				if err := tenants[0].Err(); err != nil {
					out.Failed = append(out.Failed, err.Error())
				}
				tenants[0].leave()
				tenants = tenants[1:]
			}
			for missing := s.People - len(tenants); missing > 0; missing-- {
				come()
			}
		case <-sample.C:
			now, err := s.Node.Sample(ctx)
			if err != nil {
				return out, err
			}
			now.At = time.Since(begun)
			if s.Out != nil {
				_, _ = fmt.Fprintf(s.Out, "%6.0f s  %3d people, %4d joined, %d failed: resident %5.1f MB, heap %5.1f MB, %d goroutines\n",
					now.At.Seconds(), len(tenants), out.Joined, len(out.Failed), float64(now.RSS)/(1<<20), float64(now.Heap)/(1<<20), now.Goroutines)
			}
			if now.At >= s.Warm {
				out.Samples = append(out.Samples, now)
			}
		}
	}
	return out, nil
}

// come lets one in. Every People/Senders-th sends, so that the share of senders stays.
func (s Soak) come(ctx context.Context, pool *socket.Pool, k int) (*tenant, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	cfg := participant.Config{URL: s.Node.URL, Domain: s.Node.Domain, Room: "soak", Name: fmt.Sprintf("s%d", k), Network: pool}
	sends := s.Senders > 0 && k%max(1, s.People/s.Senders) == 0
	if sends {
		cfg.SSRCs = participant.SSRCs{Audio: 1, Video: []uint32{2}, RTX: []uint32{3}}
	}
	p, err := participant.Join(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("join %d: %w", k, err)
	}
	t := &tenant{Participant: p, end: func() {}}
	if k == 0 && !sends {
		return t, nil
	}
	if k > 0 { // the first is alone for a while
		if err := p.AwaitMedia(ctx); err != nil {
			p.Leave()
			return nil, fmt.Errorf("join %d: %w", k, err)
		}
	}
	if sends {
		var life context.Context
		life, t.end = context.WithCancel(context.Background())
		t.sending.Go(func() {
			if p.AwaitMedia(life) == nil {
				_ = NewBeacon(p.Endpoint(), 1, 2).Send(life, p.Transport()) // an end of the session is an error of the participant's
			}
		})
	}
	return t, nil
}

func (t *tenant) leave() {
	t.end()
	t.sending.Wait()
	t.Leave()
}

// Sample asks a node what it holds.
func (n *Node) Sample(ctx context.Context) (s Sample, err error) {
	raw, err := n.Get(ctx, "/metrics")
	if err != nil {
		return s, err
	}
	for _, m := range []struct {
		name string
		to   *int64
	}{
		{"process_resident_memory_bytes", &s.RSS},
		{"go_memstats_heap_alloc_bytes", &s.Heap},
		{"go_memstats_heap_inuse_bytes", &s.HeapInUse},
		{"go_memstats_stack_inuse_bytes", &s.Stacks},
		{"go_goroutines", &s.Goroutines},
	} {
		v, err := Metric(raw, m.name)
		if err != nil {
			return s, err
		}
		*m.to = int64(v)
	}
	return s, nil
}

// Metric returns the value of a metric without labels, from what Prometheus reads.
func Metric(exposition []byte, name string) (float64, error) {
	for l := range bytes.Lines(exposition) {
		if value, ok := bytes.CutPrefix(l, []byte(name+" ")); ok {
			return strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
		}
	}
	return 0, fmt.Errorf("read metrics: there is no %s", name)
}

// Growth returns what the last third of the samples holds in what the first third held, by their medians: 1 when nothing grew.
func (s Soaked) Growth() (rss, goroutines float64) {
	third := len(s.Samples) / 3
	if third == 0 {
		return 0, 0
	}
	middle := func(samples []Sample, value func(Sample) int64) float64 {
		sorted := slices.SortedFunc(slices.Values(samples), func(a, b Sample) int { return cmp.Compare(value(a), value(b)) })
		return float64(value(sorted[len(sorted)/2]))
	}
	grown := func(value func(Sample) int64) float64 {
		return middle(s.Samples[len(s.Samples)-third:], value) / middle(s.Samples[:third], value)
	}
	return grown(func(s Sample) int64 { return s.RSS }), grown(func(s Sample) int64 { return s.Goroutines })
}
