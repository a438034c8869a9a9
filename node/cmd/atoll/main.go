// Command atoll is a node of an Atoll cluster and the tools beside it.
//
//	atoll run [flags]                  run a node until SIGINT or SIGTERM
//	atoll check [flags]                check the configuration that run would use
//	atoll secret                       make a cluster secret
//	atoll status [--admin A] [--json]  show a running node, its cluster and its rooms
//	atoll drain [--deadline D]         move everybody to other nodes and stop
//	atoll doctor                       find out why calls fail
//	atoll version [--notices]          show the version, or whose data is inside
//
// Standard output carries what was asked for; problems and logs go to standard error, one line each. The exit code is 0,
// 1 when something failed, and 2 when the command line is at fault.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/geo/country"
	"github.com/atoll-mesh/atoll/node"
	"github.com/atoll-mesh/atoll/node/config"
)

// Exit codes.
const (
	failed = 1
	misuse = 2
)

// commands are the commands with their flags. Those of run and check are the table of settings in node/config, which
// names every problem at once; the others are read here.
type commands struct {
	Run     runCommand     `cmd:"" passthrough:"" help:"Run a node. Its flags: atoll run --help."`
	Check   checkCommand   `cmd:"" passthrough:"" help:"Check the configuration that run would use."`
	Secret  secretCommand  `cmd:"" help:"Make a cluster secret."`
	Status  statusCommand  `cmd:"" help:"Show a running node, its cluster and its rooms."`
	Drain   drainCommand   `cmd:"" help:"Move everybody to other nodes and stop."`
	Doctor  doctorCommand  `cmd:"" help:"Find out why calls fail."`
	Version versionCommand `cmd:"" help:"Show the version."`
}

// streams is what a command writes to.
type streams struct {
	out, err io.Writer
}

func main() {
	if collects() {
		debug.SetGCPercent(garbage)
	}
	os.Exit(execute(os.Args[1:], streams{os.Stdout, os.Stderr}))
}

func execute(args []string, s streams) int {
	parser, err := kong.New(&commands{}, kong.Name("atoll"), kong.Description("A node of an Atoll cluster."),
		kong.Writers(s.out, s.err), kong.Bind(s), kong.Vars{"admin": config.DefaultAdmin})
	if err != nil {
		panic("atoll: " + err.Error()) // the struct above is wrong
	}
	command, err := parser.Parse(args)
	if err != nil {
		report(s.err, err)
		_, _ = fmt.Fprintln(s.err, "atoll: see atoll --help")
		return misuse
	}
	if err := command.Run(); err != nil {
		report(s.err, err)
		var problems config.Problems
		if errors.As(err, &problems) && problems.OnCommandLine() {
			return misuse
		}
		return failed
	}
	return 0
}

// report writes one line per problem.
func report(w io.Writer, err error) {
	for _, line := range lines(err) {
		_, _ = fmt.Fprintln(w, "atoll: "+line)
	}
}

// lines takes an error apart into those that it joins.
func lines(err error) []string {
	var problems config.Problems
	if errors.As(err, &problems) && err.Error() == problems.Error() {
		var all []string
		for _, p := range problems {
			all = append(all, p.Error())
		}
		return all
	}
	joined, ok := err.(interface{ Unwrap() []error }) // the outermost only: an inner one has words around it
	if !ok {
		return []string{err.Error()}
	}
	var all []string
	for _, e := range joined.Unwrap() {
		all = append(all, lines(e)...)
	}
	return all
}

type secretCommand struct{}

// Run prints a new secret.
func (secretCommand) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, identity.NewSecret().Reveal())
	return err
}

type versionCommand struct {
	Notices bool `help:"Show whose data is inside, as its licence asks."`
}

// Run prints the version.
func (c versionCommand) Run(s streams) error {
	if c.Notices {
		_, err := fmt.Fprint(s.out, country.Attribution)
		return err
	}
	_, err := fmt.Fprintln(s.out, "atoll", node.Version)
	return err
}
