// Command load puts participants without browsers into rooms and measures what a node spends on them.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/bench"
	"github.com/atoll-mesh/atoll/tools/load/plain"
)

type commands struct {
	Bench  benchCommand  `cmd:"" help:"Compare a node with other servers."`
	Join   joinCommand   `cmd:"" help:"Fill a room of a running node."`
	Storm  stormCommand  `cmd:"" help:"Let many join a node at which a meeting goes on."`
	Weigh  weighCommand  `cmd:"" help:"Measure what a participant takes of a node's memory."`
	Rush   rushCommand   `cmd:"" hidden:""`
	Soak   soakCommand   `cmd:"" help:"Let people come to a node and go for an hour, and see whether it grows."`
	Record recordCommand `cmd:"" help:"Write down when the packets of Chromium's camera come and how large they are; needs root."`
	Plain  plainCommand  `cmd:"" help:"Run the control server; its first line of output is its URL."`
}

type benchCommand struct {
	Node    string        `help:"Binary of the node." default:"bin/atoll" type:"existingfile"`
	Quick   bool          `help:"Two scenarios beside plain pion, in less than two minutes."`
	Only    []string      `help:"Scenarios to play, by name; all of them unless given." placeholder:"NAME"`
	Servers []string      `help:"Servers to measure beside each other: atoll, pion, pion-interceptors, janus." placeholder:"NAME"`
	Windows int           `help:"Windows that are to count, at each server; thrown away ones are measured again, at most as many." default:"5"`
	Window  time.Duration `help:"Length of a window." default:"4s"`
	Verbose bool          `help:"Print every window." short:"v"`
	Nice    int           `help:"Priority of generator and servers, where that is allowed." default:"-10"`
	Prompt  bool          `help:"Wake receivers by what comes, instead of looking every 4 ms. On loopback the server pays for that."`
	Offload bool          `help:"Cut segmented datagrams up at no cost of the server, as a network card does."`
	JSON    string        `help:"Write the report to a file." placeholder:"FILE" name:"json"`
	SVG     string        `help:"Draw the report into a file." placeholder:"FILE" name:"svg"`
}

// Run measures and judges.
func (c *benchCommand) Run(ctx context.Context) error {
	if c.Windows < 3 || c.Window < 100*time.Millisecond {
		return errors.New("at least three windows of 100 ms are needed")
	}
	back, err := bench.PreferSession(c.Nice)
	defer back()
	if err = errors.Join(err, bench.Prefer(c.Nice)); err != nil {
		fmt.Fprintf(os.Stderr, "load: %v: more windows will be thrown away on a busy machine\n", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the control server: %w", err)
	}
	b := bench.Bench{
		Programs: bench.Programs{Node: c.Node, Control: []string{self, "plain"}},
		Windows:  c.Windows, Window: c.Window, Out: os.Stdout, Verbose: c.Verbose, Prompt: c.Prompt, Offload: c.Offload,
	}
	if b.Scenarios, err = bench.Choose(c.Quick, c.Only); err != nil {
		return err
	}
	if b.Servers, err = bench.Kinds(c.Quick, c.Servers); err != nil {
		return err
	}
	report, err := b.Run(ctx)
	if len(report.Outcomes) > 0 {
		err = errors.Join(err, c.keep(report))
	}
	if missed := report.Missed(); err == nil && len(missed) > 0 {
		err = fmt.Errorf("missed:\n  %s", strings.Join(missed, "\n  "))
	}
	return err
}

// keep writes the files that were asked for.
func (c *benchCommand) keep(report bench.Report) error {
	var errs []error
	if c.JSON != "" {
		raw, err := json.MarshalIndent(report, "", "  ")
		if err == nil {
			err = os.WriteFile(c.JSON, append(raw, '\n'), 0o644)
		}
		errs = append(errs, err)
	}
	if c.SVG != "" {
		var chart bytes.Buffer
		err := report.Chart(&chart)
		if err == nil {
			err = os.WriteFile(c.SVG, chart.Bytes(), 0o644)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

type joinCommand struct {
	URL          string `help:"XMPP WebSocket of the node, as ws://localhost:8080/xmpp-websocket." required:"" name:"url"`
	Domain       string `help:"XMPP domain of the node." default:"localhost"`
	Room         string `help:"Name of the room." required:""`
	Participants int    `help:"How many join." default:"5"`
	Senders      int    `help:"How many of them send; the others watch." default:"1"`
	Seconds      int    `help:"How long they stay." default:"60"`
}

// Run fills the room and empties it again.
func (c *joinCommand) Run(ctx context.Context) error {
	return load.Fill(ctx, load.Crowd{
		URL: c.URL, Domain: c.Domain, Room: c.Room, Participants: c.Participants, Senders: c.Senders, Stay: time.Duration(c.Seconds) * time.Second, Out: os.Stdout,
	})
}

type soakCommand struct {
	Node    string        `help:"Binary of the node." default:"bin/atoll" type:"existingfile"`
	People  int           `help:"How many are in the room." default:"100"`
	Senders int           `help:"How many of them send." default:"10"`
	Every   time.Duration `help:"How often one leaves and another comes." default:"6s"`
	Warm    time.Duration `help:"How long figures do not count." default:"10m"`
	Stay    time.Duration `help:"How long they do." default:"50m"`
	Sample  time.Duration `help:"How often is looked." default:"10s"`
	Limit   float64       `help:"Fail when resident memory or goroutines change by more than this part; 0 for no limit." default:"0.05"`
}

// Run soaks and judges.
func (c *soakCommand) Run(ctx context.Context) error {
	node, err := load.StartNode(ctx, c.Node)
	if err != nil {
		return err
	}
	soaked, err := load.Soak{
		Node: node, People: c.People, Senders: c.Senders, Every: c.Every, Warm: c.Warm, Stay: c.Stay, Sample: c.Sample, Out: os.Stdout,
	}.Run(ctx)
	if err = errors.Join(err, node.Stop()); err != nil {
		return err
	}
	rss, goroutines := soaked.Growth()
	fmt.Printf("%d joined, %d failed; resident memory x%.3f, goroutines x%.3f\n", soaked.Joined, len(soaked.Failed), rss, goroutines)
	for _, f := range soaked.Failed {
		err = errors.Join(err, errors.New(f))
	}
	if c.Limit > 0 && max(rss, goroutines, 2-rss, 2-goroutines) > 1+c.Limit {
		err = errors.Join(err, fmt.Errorf("changed by more than %.0f %%", 100*c.Limit))
	}
	return err
}

const preferred = -10 // priority of what is measured, where that is allowed

type stormCommand struct {
	Node   string        `help:"Binary of the node." default:"bin/atoll" type:"existingfile"`
	People int           `help:"How many join." default:"200"`
	Within time.Duration `help:"How soon." default:"2s"`
	Rounds int           `help:"How often; the storm in the middle counts." default:"5"`
}

// Run measures.
func (c *stormCommand) Run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the command: %w", err)
	}
	back, err := bench.PreferSession(preferred)
	defer back()
	if err = errors.Join(err, bench.Prefer(preferred)); err != nil {
		fmt.Fprintf(os.Stderr, "load: %v\n", err)
	}
	w, err := bench.Storm{
		Programs: bench.Programs{Node: c.Node}, Rush: []string{self, "rush"}, People: c.People, Within: c.Within, Calm: 5 * time.Second, Rounds: c.Rounds, Out: os.Stdout,
	}.Run(ctx)
	if missed := w.Missed(); err == nil && len(missed) > 0 {
		err = fmt.Errorf("missed:\n  %s", strings.Join(missed, "\n  "))
	}
	return err
}

type weighCommand struct {
	Node     string        `help:"Binary of the node." default:"bin/atoll" type:"existingfile"`
	People   int           `help:"How many join, beside the first two; four times as many who only signal." default:"50"`
	Only     []string      `help:"What they are: receiver, muted, silent, signalling; all in turn unless given." placeholder:"WHAT"`
	Settle   time.Duration `help:"How long after the second and the last join is looked." default:"22s"`
	Profiles string        `help:"Folder for a heap profile and the goroutines of each." type:"existingdir" placeholder:"FOLDER"`
}

// Run weighs and judges.
func (c *weighCommand) Run(ctx context.Context) error {
	w := bench.Weigh{Programs: bench.Programs{Node: c.Node}, People: c.People, Settle: c.Settle, Profiles: c.Profiles, Out: os.Stdout}
	var missed []string
	for _, l := range bench.Loads {
		if len(c.Only) > 0 && !slices.Contains(c.Only, string(l)) {
			continue
		}
		got, err := w.Run(ctx, l)
		if err != nil {
			return err
		}
		missed = append(missed, got.Missed()...)
	}
	if len(missed) > 0 {
		return fmt.Errorf("missed:\n  %s", strings.Join(missed, "\n  "))
	}
	return nil
}

type rushCommand struct {
	Args []string `arg:"" help:"URL, domain, people, within."`
}

// Run joins and tells.
func (c *rushCommand) Run(ctx context.Context) error { return bench.RunRush(ctx, c.Args, os.Stdout) }

type plainCommand struct {
	Addr         string `help:"Where to listen for signalling." default:"127.0.0.1:0"`
	Interceptors bool   `help:"With the interceptors that pion has by default."`
}

// Run serves.
func (c *plainCommand) Run(ctx context.Context) error {
	return plain.Serve(ctx, c.Addr, c.Interceptors, os.Stdout)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	k := kong.Parse(&c, kong.Name("load"), kong.Description("Participants without browsers, and the benchmark."), kong.UsageOnError())
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "load: %v\n", err)
		stop()
		os.Exit(1)
	}
}
