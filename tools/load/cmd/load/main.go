// Command load puts participants without browsers into rooms and measures what a node spends on them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/plain"
)

type commands struct {
	Bench benchCommand `cmd:"" help:"Compare a node with plain pion: CPU per forwarded packet, one publisher to N receivers."`
	Join  joinCommand  `cmd:"" help:"Fill a room of a running node."`
	Plain plainCommand `cmd:"" help:"Run the control server; its first line of output is its URL."`
}

type benchCommand struct {
	Node      string        `help:"Binary of the node." default:"bin/atoll" type:"existingfile"`
	Receivers int           `help:"Receivers at each server." default:"20"`
	Windows   int           `help:"Windows that are to count, at each server; thrown away ones are measured again, at most as many." default:"5"`
	Window    time.Duration `help:"Length of a window." default:"4s"`
	Limit     float64       `help:"Fail when the node spends more than this times plain pion; 0 for no limit." default:"1.1"`
	JSON      string        `help:"Write the report to a file." placeholder:"FILE" name:"json"`
}

// Run measures and judges.
func (c *benchCommand) Run(ctx context.Context) error {
	if c.Receivers < 1 || c.Windows < 1 || c.Window < 100*time.Millisecond {
		return errors.New("at least one receiver, one window and 100 ms are needed")
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the control server: %w", err)
	}
	bench := load.Bench{
		Node: c.Node, Control: []string{self, "plain"}, Receivers: c.Receivers, Windows: c.Windows, Window: c.Window, Out: os.Stdout,
	}
	report, err := bench.Run(ctx)
	if c.JSON != "" {
		raw, failed := json.MarshalIndent(report, "", "  ")
		if failed == nil {
			failed = os.WriteFile(c.JSON, append(raw, '\n'), 0o644)
		}
		err = errors.Join(err, failed)
	}
	if err == nil && c.Limit > 0 && report.Ratio > c.Limit {
		err = fmt.Errorf("the node spends %.3f times plain pion, the limit is %.3f", report.Ratio, c.Limit)
	}
	return err
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
func (c *plainCommand) Run(ctx context.Context) error { return plain.Serve(ctx, c.Addr, c.Interceptors, os.Stdout) }

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
