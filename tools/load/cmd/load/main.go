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
	Prompt  bool          `help:"Wake receivers by what comes, instead of looking every 4 ms. On loopback the server pays for that."`
	JSON    string        `help:"Write the report to a file." placeholder:"FILE" name:"json"`
	SVG     string        `help:"Draw the report into a file." placeholder:"FILE" name:"svg"`
}

// Run measures and judges.
func (c *benchCommand) Run(ctx context.Context) error {
	if c.Windows < 3 || c.Window < 100*time.Millisecond {
		return errors.New("at least three windows of 100 ms are needed")
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the control server: %w", err)
	}
	b := bench.Bench{
		Programs: bench.Programs{Node: c.Node, Control: []string{self, "plain"}},
		Windows:  c.Windows, Window: c.Window, Out: os.Stdout, Verbose: c.Verbose, Prompt: c.Prompt,
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
