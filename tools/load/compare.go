package load

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Round is one window of each server, measured one after the other.
type Round struct {
	Node    Window `json:"node"`
	Control Window `json:"control"`
	Thrown  string `json:"thrown_away,omitempty"` // why the round does not count
}

// Ratio returns what the node spends per packet, in what the control spends.
func (r Round) Ratio() float64 {
	if r.Control.PerPacket() == 0 {
		return 0
	}
	return float64(r.Node.PerPacket()) / float64(r.Control.PerPacket())
}

// Compare measures node and control in turn, each for d after a quarter of d of the same traffic, until as many rounds
// as asked for count or twice as many were measured. It calls each with every round as it ends. Who is first changes from
// round to round.
func Compare(ctx context.Context, node, control *Target, rounds int, d time.Duration, each func(int, Round)) ([]Round, error) {
	var out []Round
	for counted := 0; counted < rounds && len(out) < 2*rounds; {
		var r Round
		turns := []struct {
			target *Target
			window *Window
		}{{node, &r.Node}, {control, &r.Control}}
		if len(out)%2 == 1 {
			turns[0], turns[1] = turns[1], turns[0]
		}
		for _, t := range turns {
			w, err := t.target.Measure(ctx, d/4, d)
			if err != nil {
				return out, err
			}
			*t.window = w
			if err := w.Starved(); err != nil && r.Thrown == "" {
				r.Thrown = fmt.Sprintf("%s: %v", t.target.Name, err)
			}
		}
		out = append(out, r)
		each(len(out), r)
		if r.Thrown == "" {
			counted++
		}
	}
	return out, nil
}

// Figures are the medians of the rounds that count.
type Figures struct {
	Node       time.Duration `json:"node_ns"`    // CPU time per packet that a receiver got
	Control    time.Duration `json:"control_ns"` // likewise
	Ratio      float64       `json:"ratio"`      // of the two
	NodeP99    time.Duration `json:"node_p99_ns"`
	ControlP99 time.Duration `json:"control_p99_ns"`
	Counted    int           `json:"windows_counted"`
	Loss       float64       `json:"node_loss"`
}

// leastRounds is how many rounds must count for a verdict.
const leastRounds = 3

// Sum returns the medians, or an error when too few rounds count.
func Sum(rounds []Round) (Figures, error) {
	var node, control []Window
	var loss []float64
	var p99 [2][]time.Duration
	for _, r := range rounds {
		if r.Thrown != "" {
			continue
		}
		node, control = append(node, r.Node), append(control, r.Control)
		loss = append(loss, r.Node.Loss())
		p99[0], p99[1] = append(p99[0], r.Node.P99), append(p99[1], r.Control.P99)
	}
	f := Figures{
		Node: Median(node), Control: Median(control), Counted: len(node), Loss: median(loss),
		NodeP99: median(p99[0]), ControlP99: median(p99[1]),
	}
	if f.Control > 0 {
		f.Ratio = float64(f.Node) / float64(f.Control)
	}
	if f.Counted < leastRounds {
		return f, fmt.Errorf("%d of %d windows count, at least %d must: the machine is too busy, or a server drops packets", f.Counted, len(rounds), leastRounds)
	}
	return f, nil
}

// Print writes a round as one line.
func (r Round) Print(out io.Writer, number int) {
	_, _ = fmt.Fprintf(out, "window %d  node %s  plain %s  ratio %.2f", number, r.Node.line(), r.Control.line(), r.Ratio())
	if r.Thrown != "" {
		_, _ = fmt.Fprintf(out, "  THROWN AWAY, the generator starved: %s", r.Thrown)
	}
	_, _ = fmt.Fprintln(out)
}

func (w Window) line() string {
	return fmt.Sprintf("%6.2f us (%4.1f %% cpu, loss %.2f %%, p50/p99 %.1f/%.1f ms)",
		micros(w.PerPacket()), 100*w.CPU.Seconds()/w.Elapsed.Seconds(), 100*w.Loss(), millis(w.P50), millis(w.P99))
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
func millis(d time.Duration) float64 { return float64(d) / 1e6 }
