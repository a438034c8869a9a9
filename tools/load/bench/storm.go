package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/socket"
)

// Storm is many who join a node at which a meeting goes on. They come from a process of their own with low priority, so that what
// they spend does not starve who is measured.
type Storm struct {
	Programs
	Rush   []string // command line that makes a rush of what is appended: URL, domain, people, within; it prints a Rushed
	People int
	Within time.Duration
	Calm   time.Duration // how long the control is
	Out    io.Writer
}

// Rushed is what a rush tells.
type Rushed struct {
	All  time.Duration   `json:"all_ns"`
	Each []time.Duration `json:"each_ns"`
}

// Weather is what came out.
type Weather struct {
	Rushed
	Calm   Window `json:"calm"`   // of the meeting, before
	Stormy Window `json:"stormy"` // and while everybody joined
}

// What a node has to reach.
const (
	stormIn      = 15 * time.Second // all of them
	stormLatency = 3                // times the 99th percentile of before
)

// Missed returns the bars that were missed.
func (w Weather) Missed() (all []string) {
	if w.All > stormIn {
		all = append(all, fmt.Sprintf("all were in after %v, the limit is %v", w.All, stormIn))
	}
	if ratio := float64(w.Stormy.P99) / float64(max(1, w.Calm.P99)); ratio > stormLatency {
		all = append(all, fmt.Sprintf("the 99th percentile of latency is %.1f times that of before, the limit is %d", ratio, stormLatency))
	}
	return all
}

// meeting is what goes on meanwhile.
func meeting() Scenario {
	return Scenario{Name: "storm", Senders: 1, Receivers: 10, Encodings: 1, Trace: Equal, Nodes: 1}
}

// Run measures.
func (s Storm) Run(ctx context.Context) (w Weather, err error) {
	pool, err := socket.NewPool()
	if err != nil {
		return w, err
	}
	defer pool.Close()
	r, err := fill(ctx, Node, meeting(), s.Programs, pool)
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if w.Calm, err = r.measure(ctx, time.Second, func(ctx context.Context) error { return rest(ctx, s.Calm) }); err != nil {
		return w, err
	}
	at := r.server.(*node).nodes[0]
	var rush *load.Process
	w.Stormy, err = r.measure(ctx, time.Second, func(ctx context.Context) (err error) {
		w.Rushed, rush, err = s.rush(ctx, at)
		return err
	})
	if rush != nil {
		<-rush.Ended()
	}
	if err != nil {
		return w, err
	}
	if s.Out != nil {
		_, _ = fmt.Fprintf(s.Out, "%d joined within %v: all in after %.1f s, each after %.2f/%.2f s (p50/p95)\n", s.People, s.Within, w.All.Seconds(),
			quantile(w.Each, 0.5).Seconds(), quantile(w.Each, 0.95).Seconds())
		_, _ = fmt.Fprintf(s.Out, "a meeting meanwhile: latency p50/p99 %.2f/%.2f ms, %.2f/%.2f ms before; %.2f %% lost; the node spent %.2f s, %.1f ms for each\n", millis(w.Stormy.P50),
			millis(w.Stormy.P99), millis(w.Calm.P50), millis(w.Calm.P99), 100*w.Stormy.Loss(), w.Stormy.CPU.Seconds(), millis(w.Stormy.CPU)/float64(s.People))
	}
	return w, nil
}

// rush lets everybody join. The process ends when they have left, after what was sent until then has arrived.
func (s Storm) rush(ctx context.Context, at *load.Node) (out Rushed, p *load.Process, err error) {
	first := make(chan string, 1)
	p, err = load.Spawn("rush", first, append(append([]string(nil), s.Rush...), at.URL, at.Domain, strconv.Itoa(s.People), s.Within.String())...)
	if err != nil {
		return out, nil, err
	}
	select {
	case line := <-first:
		err = json.Unmarshal([]byte(line), &out)
	case <-p.Ended():
		err = fmt.Errorf("the rush told nothing:\n%s", p.Log())
	case <-ctx.Done():
		err = errors.Join(ctx.Err(), p.Stop())
	}
	return out, p, err
}

// RunRush is the other side: it joins as a command line says, and tells.
func RunRush(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 4 {
		return errors.New("a rush needs URL, domain, people and within")
	}
	people, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	within, err := time.ParseDuration(args[3])
	if err != nil {
		return fmt.Errorf("within: %w", err)
	}
	const low = 5
	if err := Prefer(low); err != nil {
		return err
	}
	each, all, leave, err := load.Rush{URL: args[0], Domain: args[1], Room: "rush", People: people, Within: within}.Run(ctx)
	defer leave()
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(Rushed{all, each}); err != nil {
		return err
	}
	return rest(ctx, 2*stragglers) // they are not measured while they leave
}
