package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/socket"
)

// Bench is what is to be measured, and how long.
type Bench struct {
	Programs
	Scenarios []Scenario
	Servers   []Kind
	Windows   int           // that are to count, at each server
	Window    time.Duration // length of one
	Out       io.Writer     // gets one line for each server in each scenario
	Verbose   bool          // and one for each window
	Offload   bool          // segmented datagrams are cut up at no cost of the server's, as a network card does
	Prompt    bool          // receivers are woken by what comes, which a server on loopback pays for
}

// Report is the outcome.
type Report struct {
	Version  string    `json:"node"`
	Begun    time.Time `json:"begun"`
	Machine  string    `json:"machine"`
	Cores    int       `json:"cores"`
	Prompt   bool      `json:"prompt,omitempty"`
	Offload  bool      `json:"offload,omitempty"`
	Outcomes []Outcome `json:"scenarios"`
}

// Outcome is what came out of one scenario.
type Outcome struct {
	Scenario
	Results []Result `json:"servers"`
	Missed  []string `json:"missed,omitempty"` // bars
}

// Result is what one server did in one scenario.
type Result struct {
	Server     Kind                 `json:"server"`
	Windows    []Window             `json:"windows"`
	Counted    int                  `json:"windows_counted"`
	CPU        Range[time.Duration] `json:"cpu_ns_per_packet"`
	Core       float64              `json:"cores"`                               // that it kept busy, in the middle
	Relayed    time.Duration        `json:"cpu_ns_per_relayed_packet,omitempty"` // of the first node of a cluster, above what it spends on nothing, by what was sent to it
	Idle       time.Duration        `json:"cpu_ns_per_idle_second,omitempty"`    // of the first node of a cluster before anybody came
	P50        time.Duration        `json:"latency_p50_ns"`
	P99        time.Duration        `json:"latency_p99_ns"`
	Loss       float64              `json:"loss"`
	Allocs     float64              `json:"allocations_per_packet"` // 0 where nobody counts
	JoinP50    time.Duration        `json:"join_p50_ns"`
	JoinP95    time.Duration        `json:"join_p95_ns"`
	Picture    time.Duration        `json:"join_to_picture_p50_ns,omitempty"`
	Trips      int                  `json:"join_round_trips"`
	Empty      int64                `json:"bytes_at_start"`
	PerPerson  int64                `json:"bytes_per_client"` // growth of resident memory until the end
	Ratio      float64              `json:"ratio,omitempty"`  // of CPU to plain pion without interceptors
	RatioP99   float64              `json:"ratio_p99,omitempty"`
	Unfinished string               `json:"unfinished,omitempty"` // why there are too few windows
}

// mostTrips is how many round trips a join may take.
const mostTrips = 12

// leastWindows is how many must count for a verdict.
const leastWindows = 3

// Run measures. The error says that something failed; whether bars were missed is in the report.
func (b Bench) Run(ctx context.Context) (Report, error) {
	report := Report{Begun: time.Now(), Cores: runtime.NumCPU(), Prompt: b.Prompt, Offload: b.Offload, Machine: machine(), Version: version(ctx, b.Node)}
	for _, s := range b.Scenarios {
		o, err := b.play(ctx, s)
		if o.Results != nil {
			report.Outcomes = append(report.Outcomes, o)
		}
		if err != nil {
			return report, err
		}
	}
	return report, nil
}

func (b Bench) play(ctx context.Context, s Scenario) (o Outcome, err error) {
	o.Scenario = s
	pool, err := socket.NewPool()
	if err != nil {
		return o, err
	}
	defer pool.Close()
	pool.Whole(b.Offload)
	var rooms []*room
	defer func() {
		for _, r := range rooms {
			if r != nil {
				err = errors.Join(err, r.close())
			}
		}
	}()
	kinds := s.of(b.Servers)
	o.Results = make([]Result, len(kinds))
	rooms = make([]*room, len(kinds))
	for i, kind := range kinds {
		o.Results[i].Server = kind
		if rooms[i], err = b.fill(ctx, kind, s, pool); err != nil {
			if kind == Node || ctx.Err() != nil {
				return o, err
			}
			o.Results[i].Unfinished = firstLine(err) // a peer that fails is a result
			err = nil
		}
	}
	if err := b.rounds(ctx, rooms, o.Results); err != nil {
		return o, err
	}
	for i, r := range rooms {
		if r == nil {
			continue
		}
		if err := o.Results[i].sum(r); err != nil {
			return o, err
		}
	}
	o.judge()
	o.print(b.Out)
	return o, nil
}

// fill fills a room, and tries again once: on a busy machine a handshake may fail.
func (b Bench) fill(ctx context.Context, kind Kind, s Scenario, pool *socket.Pool) (*room, error) {
	r, err := fill(ctx, kind, s, b.Programs, pool)
	if err != nil && ctx.Err() == nil {
		_, _ = fmt.Fprintf(b.Out, "%-22s %-17s is tried again: %s\n", s.Name, kind, firstLine(err))
		r, err = fill(ctx, kind, s, b.Programs, pool)
	}
	if err == nil {
		r.prompt = b.Prompt
	}
	return r, err
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// rounds measures the servers in turn until each has enough windows or had twice as many as asked for.
func (b Bench) rounds(ctx context.Context, rooms []*room, results []Result) error {
	for round := range 2 * b.Windows {
		for i := range rooms {
			i = (i + round) % len(rooms)
			r := &results[i]
			if r.Counted >= b.Windows || r.Unfinished != "" {
				continue
			}
			w, err := rooms[i].measure(ctx, b.Window/4, func(ctx context.Context) error { return rest(ctx, b.Window) })
			if err != nil && (rooms[i].kind == Node || ctx.Err() != nil) {
				return err
			}
			if err != nil {
				r.Unfinished = firstLine(err)
				continue
			}
			if w.Thrown = w.starved(); w.Thrown == "" {
				r.Counted++
			}
			r.Windows = append(r.Windows, w)
			if b.Verbose {
				_, _ = fmt.Fprintf(b.Out, "  %s\n", w.line(rooms[i].kind, round))
			}
		}
	}
	return nil
}

func (r *Result) sum(of *room) error {
	r.Server, r.Empty, r.Idle = of.kind, of.empty, of.idle
	var costs, p50, p99 []time.Duration
	var loss, allocs, core []float64
	var relayed []time.Duration
	for _, w := range r.Windows {
		if w.Thrown != "" {
			continue
		}
		costs, p50, p99 = append(costs, w.PerPacket()), append(p50, w.P50), append(p99, w.P99)
		if len(w.Each) > 1 {
			idle := time.Duration(of.idle.Seconds() * float64(w.Elapsed))
			relayed = append(relayed, max(0, w.Each[0]-idle)/time.Duration(max(1, w.Sent)))
		}
		loss = append(loss, w.Loss())
		allocs = append(allocs, float64(w.Allocated)/float64(max(1, w.Delivered)))
		core = append(core, w.CPU.Seconds()/w.Elapsed.Seconds())
	}
	r.CPU, r.Relayed = rangeOf(costs), rangeOf(relayed).Median
	r.P50, r.P99 = rangeOf(p50).Median, rangeOf(p99).Median
	r.Loss, r.Allocs, r.Core = rangeOf(loss).Median, rangeOf(allocs).Median, rangeOf(core).Median
	var took, picture []time.Duration
	for _, j := range of.joins {
		took, picture = append(took, j.took), append(picture, j.picture)
	}
	if !of.scenario.Mute {
		r.Picture = quantile(picture, 0.5)
	}
	r.JoinP50, r.JoinP95, r.Trips = quantile(took, 0.5), quantile(took, 0.95), of.trips
	now, err := memory(of.server)
	if err != nil {
		return err
	}
	r.PerPerson = (now - of.empty) / int64(max(1, of.scenario.people()))
	if r.Counted < leastWindows && r.Unfinished == "" {
		r.Unfinished = fmt.Sprintf("%d of %d windows count, at least %d must: %s", r.Counted, len(r.Windows), leastWindows, r.Windows[len(r.Windows)-1].Thrown)
	}
	return nil
}

// judge compares the node with plain pion.
func (o *Outcome) judge() {
	var control *Result
	for i := range o.Results {
		if r := &o.Results[i]; r.Server == Plain && r.Counted >= leastWindows {
			control = r
		}
	}
	for i := range o.Results {
		r := &o.Results[i]
		if control != nil && r.CPU.Median > 0 {
			r.Ratio = float64(r.CPU.Median) / float64(control.CPU.Median)
			r.RatioP99 = float64(r.P99) / float64(max(1, control.P99))
		}
		if r.Server != Node {
			continue
		}
		if r.Trips > mostTrips {
			o.Missed = append(o.Missed, fmt.Sprintf("a join takes %d round trips, the limit is %d", r.Trips, mostTrips))
		}
		for _, bar := range []struct {
			what       string
			got, limit float64
		}{{"cpu per packet", r.Ratio, o.Bar}, {"p99 latency", r.RatioP99, o.LatencyBar}} {
			switch {
			case bar.limit == 0:
			case r.Unfinished != "" || control == nil:
				o.Missed = append(o.Missed, bar.what+": there are too few windows to tell")
			case bar.got > bar.limit:
				o.Missed = append(o.Missed, fmt.Sprintf("%s is %.2f times plain pion's, the limit is %.2f", bar.what, bar.got, bar.limit))
			}
		}
	}
}

// Missed returns the bars that were missed, with the scenario's name before each.
func (r Report) Missed() (all []string) {
	for _, o := range r.Outcomes {
		for _, m := range o.Missed {
			all = append(all, o.Name+": "+m)
		}
	}
	return all
}
