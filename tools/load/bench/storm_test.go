//go:build load

package bench_test

import (
	"os"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/bench"
)

// Two hundred join within two seconds while a meeting goes on at the same node.
func TestStormOfJoins(t *testing.T) {
	const (
		inAll = 15 * time.Second
		lost  = 0.01 // of the meeting's packets
	)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w, err := bench.Storm{
		Programs: bench.Programs{Node: program()}, Rush: []string{self, "rush"}, People: 200, Within: 2 * time.Second, Calm: 4 * time.Second, Out: t.Output(),
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Each) != 200 || w.All > inAll {
		t.Errorf("%d were in after %v, want all within %v", len(w.Each), w.All, inAll)
	}
	if w.Busy.CPU >= w.Stormy.CPU {
		t.Errorf("the node spent %v while they joined, %v while they joined elsewhere", w.Stormy.CPU, w.Busy.CPU)
	}
	if w.Stormy.Loss() > lost {
		t.Errorf("the meeting lost %.2f %% of its packets meanwhile", 100*w.Stormy.Loss())
	}
}
