//go:build load

package bench_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/bench"
	"github.com/atoll-mesh/atoll/tools/load/plain"
)

// TestMain lets this binary be the control server and the rush, as the command load is for its own benchmark.
func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) >= 2 && os.Args[1] == "plain":
		err = plain.Serve(context.Background(), "127.0.0.1:0", len(os.Args) > 2, os.Stdout)
	case len(os.Args) >= 2 && os.Args[1] == "rush":
		err = bench.RunRush(context.Background(), os.Args[2:], os.Stdout)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// program is the node to test, which make build made; ATOLL_BINARY names another.
func program() string {
	if path := os.Getenv("ATOLL_BINARY"); path != "" {
		return path
	}
	return "../../../bin/atoll"
}

// A node may not cost more than plain pion, within what one run can tell.
func TestForwardingCostsNoMoreThanPlainPion(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := bench.Scenario{Name: "1-to-20", Senders: 1, Receivers: 20, Encodings: 1, Trace: bench.Equal, Nodes: 1, Bar: 1.05}
	report, err := bench.Bench{
		Programs:  bench.Programs{Node: program(), Control: []string{self, "plain"}},
		Scenarios: []bench.Scenario{s}, Servers: []bench.Kind{bench.Node, bench.Plain},
		Windows: 5, Window: 2 * time.Second, Out: t.Output(), Verbose: true,
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range report.Missed() {
		t.Error(m)
	}
}
