package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/socket"
)

// Storm is many who join a node at which a meeting goes on. They come from a process of their own with low priority, so that what
// they spend does not starve who is measured.
//
// They keep every core busy all the same, and the node they join does, and that alone delays packets. So there are two controls: the
// meeting on a machine that does nothing else, which is what is judged by, and while as many join another node on the same machine: what
// its neighbours pay for a storm. A node that may comes first while somebody joins (node/precedence), so that can be more than in a storm of
// its own.
type Storm struct {
	Programs
	Rush   []string // command line that makes a rush of what is appended: URL, domain, people, within; it prints a Rushed
	People int
	Within time.Duration
	Calm   time.Duration // how long the first control is
	Rounds int           // how often they come, made odd; there are few packets in one storm
	Out    io.Writer
}

// Rushed is what a rush tells.
type Rushed struct {
	All  time.Duration   `json:"all_ns"`
	Each []time.Duration `json:"each_ns"`
}

// Weather is what came out. Of several storms it is the one in the middle, by the 99th percentile of the meeting's latency.
type Weather struct {
	Rushed        // of all storms; All is of the slowest
	Calm   Window `json:"calm"`   // of the meeting, before
	Busy   Window `json:"busy"`   // while everybody joined at another node on the same machine
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
	if ratio := w.times(w.Calm); ratio > stormLatency {
		all = append(all, fmt.Sprintf("the 99th percentile of latency is %.1f times that of before, the limit is %d", ratio, stormLatency))
	}
	return all
}

// times returns how many times that of a control the 99th percentile of latency is.
func (w Weather) times(control Window) float64 {
	return float64(w.Stormy.P99) / float64(max(1, control.P99))
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
	other, err := start(ctx, Node, meeting(), s.Programs)
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, other.stop()) }()
	var busy, stormy []Window
	for range max(1, s.Rounds) | 1 {
		_, b, err := s.storm(ctx, r, other)
		if err != nil {
			return w, err
		}
		rushed, st, err := s.storm(ctx, r, r.server)
		if err != nil {
			return w, err
		}
		busy, stormy = append(busy, b), append(stormy, st)
		w.All, w.Each = max(w.All, rushed.All), append(w.Each, rushed.Each...)
	}
	w.Busy, w.Stormy = middle(busy), middle(stormy)
	if s.Out != nil {
		_, _ = fmt.Fprintf(s.Out, "%d joined within %v, %d times: all in after %.1f s, each after %.2f/%.2f s (p50/p95); the node spent %.1f ms for each\n", s.People, s.Within,
			len(stormy), w.All.Seconds(), quantile(w.Each, 0.5).Seconds(), quantile(w.Each, 0.95).Seconds(), millis(w.Stormy.CPU)/float64(s.People))
		show := func(what string, w Window) {
			_, _ = fmt.Fprintf(s.Out, "  a meeting %-50s latency p50/p99 %.2f/%.2f ms, %.2f %% lost\n", what, millis(w.P50), millis(w.P99), 100*w.Loss())
		}
		show("meanwhile:", w.Stormy)
		show("while as many join at another node of the machine:", w.Busy)
		show("before:", w.Calm)
		_, _ = fmt.Fprintf(s.Out, "  the 99th percentile is %.1f times that of the second, %.1f times that of the third\n", w.times(w.Busy), w.times(w.Calm))
	}
	return w, nil
}

// middle returns the window in the middle of an odd number, by the 99th percentile of latency.
func middle(all []Window) Window {
	slices.SortFunc(all, func(a, b Window) int { return cmp.Compare(a.P99, b.P99) })
	return all[len(all)/2]
}

// storm measures the meeting while everybody joins at a node.
func (s Storm) storm(ctx context.Context, r *room, at server) (out Rushed, w Window, err error) {
	var rush *load.Process
	w, err = r.measure(ctx, time.Second, func(ctx context.Context) (err error) {
		out, rush, err = s.rush(ctx, at.(*node).nodes[0])
		return err
	})
	if rush != nil {
		err = errors.Join(err, empty(ctx, rush, leaveTime))
	}
	return out, w, err
}

// leaveTime is how long a rush may take until everybody has left.
const leaveTime = 30 * time.Second

// empty waits until a rush has left, and ends it when it has not within the time given.
func empty(ctx context.Context, rush *load.Process, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	select {
	case <-rush.Ended():
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("the rush leaves: %w", ctx.Err()), rush.Stop())
	}
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
