//go:build load

package bench_test

import (
	"cmp"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/bench"
)

// Every server delivers the highest encoding of everybody to everybody else.
func TestEveryServerDelivers(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	report, err := bench.Bench{
		Programs:  bench.Programs{Node: program(), Control: []string{self, "plain"}},
		Scenarios: []bench.Scenario{{Name: "3-all-to-all", Senders: 3, Encodings: 3, Trace: bench.VP8, Nodes: 1}},
		Servers:   []bench.Kind{bench.Node, bench.Plain, bench.Interceptors, bench.Janus}, Windows: 2, Window: 400 * time.Millisecond, Out: io.Discard,
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range report.Outcomes {
		if len(o.Results) != 4 {
			t.Errorf("%s: %d servers", o.Name, len(o.Results))
		}
		for _, r := range o.Results {
			best := slices.MinFunc(r.Windows, func(a, b bench.Window) int { return cmp.Compare(a.Loss(), b.Loss()) })
			t.Logf("%s: %+v", r.Server, best)
			// One who joins at Janus may wait a second for nothing, which hides any number of round trips.
			counted := r.Trips > 0 || r.Server == bench.Janus
			if best.Loss() > 0.01 || best.Delivered == 0 || best.CPU <= 0 || best.P50 <= 0 || r.JoinP50 <= 0 || !counted {
				t.Errorf("%s in %s: %+v", r.Server, o.Name, r)
			}
		}
	}
}
