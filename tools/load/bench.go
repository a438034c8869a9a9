package load

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Bench compares a node with the control server: one publisher to some receivers, in both.
type Bench struct {
	Node      string   // path of the binary
	Control   []string // command line of the control server; its first line of output is its URL
	Receivers int
	Windows   int           // that are to count, measured at each of the two
	Window    time.Duration // length of one
	Out       io.Writer     // gets one line per window and the result
}

// Report is the outcome.
type Report struct {
	Receivers int     `json:"receivers"`
	Rounds    []Round `json:"windows"`
	Figures
	NodeMemory    int64 `json:"node_bytes_per_receiver"`    // growth of resident memory from the start to the end
	ControlMemory int64 `json:"control_bytes_per_receiver"` // likewise
	NodeStart     int64 `json:"node_bytes_at_start"`
	ControlStart  int64 `json:"control_bytes_at_start"`
}

// joinTime bounds the joins of all participants of one server.
const joinTime = time.Minute

// Run measures. The error says that something failed or that too few windows count; the limit is the caller's.
func (b Bench) Run(ctx context.Context) (r Report, err error) {
	r.Receivers = b.Receivers
	node, err := StartNode(ctx, b.Node)
	if err != nil {
		return r, err
	}
	defer func() {
		if stop := node.Stop(); err == nil {
			err = stop
		}
	}()
	control, url, err := startControl(ctx, b.Control)
	if err != nil {
		return r, err
	}
	defer func() { _ = control.stop() }()

	if r.NodeStart, err = RSS(node.PID); err != nil {
		return r, err
	}
	if r.ControlStart, err = RSS(control.pid()); err != nil {
		return r, err
	}
	joining, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	atNode, err := JoinNode(joining, "node", node.URL, node.Domain, node.PID, b.Receivers)
	if err != nil {
		return r, fmt.Errorf("%w\nthe node said:\n%s", err, node.Log())
	}
	defer atNode.Close()
	atControl, err := JoinPlain(joining, "plain", url, control.pid(), b.Receivers)
	if err != nil {
		return r, err
	}
	defer atControl.Close()

	r.Rounds, err = Compare(ctx, atNode, atControl, b.Windows, b.Window, func(i int, round Round) { round.Print(b.Out, i) })
	if err != nil {
		return r, fmt.Errorf("%w\nthe node said:\n%s", err, node.Log())
	}
	if r.NodeMemory, err = growth(node.PID, r.NodeStart, b.Receivers); err != nil {
		return r, err
	}
	if r.ControlMemory, err = growth(control.pid(), r.ControlStart, b.Receivers); err != nil {
		return r, err
	}
	r.Figures, err = Sum(r.Rounds)
	r.print(b.Out)
	return r, err
}

func growth(pid int, start int64, receivers int) (int64, error) {
	now, err := RSS(pid)
	if err != nil || receivers == 0 {
		return 0, err
	}
	return (now - start) / int64(receivers), nil
}

func (r Report) print(out io.Writer) {
	_, _ = fmt.Fprintf(out, "cpu per forwarded packet, 1 publisher to %d receivers, median of %d windows: node %.2f us, plain pion %.2f us, ratio %.2f; loss %.2f %%; p99 %.1f, %.1f ms\n",
		r.Receivers, r.Counted, micros(r.Node), micros(r.Control), r.Ratio, 100*r.Loss, millis(r.NodeP99), millis(r.ControlP99))
	_, _ = fmt.Fprintf(out, "memory per receiver: node %d KB, plain pion %d KB; at start %.0f MB, %.0f MB\n",
		r.NodeMemory>>10, r.ControlMemory>>10, float64(r.NodeStart)/(1<<20), float64(r.ControlStart)/(1<<20))
}
