//go:build load

package bench_test

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/bench"
)

// A participant has two goroutines at a node once its handshake is through, and takes some memory. How much is for load weigh to say: it
// takes as many people as make what the first of them took not matter.
func TestAParticipantHasTwoGoroutines(t *testing.T) {
	w, err := bench.Weigh{Programs: bench.Programs{Node: program()}, People: 20, Settle: 5 * time.Second, Out: t.Output()}.Run(t.Context(), bench.Receiver)
	if err != nil {
		t.Fatal(err)
	}
	if w.Goroutines != 2 || w.Each <= 0 || w.Start <= 0 || w.Own <= 0 || w.Own >= w.FromStart {
		t.Errorf("%+v", w)
	}
}

func TestWeightsAreHeldAgainstTheBars(t *testing.T) {
	if all := (bench.Weight{Load: bench.Signalling, Start: 41 << 20, Each: 61 << 10}).Missed(); len(all) != 2 {
		t.Errorf("missed %q", all)
	}
	if all := (bench.Weight{Load: bench.Muted, Start: 40 << 20, Each: 150 << 10, Own: 151 << 10}).Missed(); len(all) != 1 {
		t.Errorf("missed %q", all)
	}
	if all := (bench.Weight{Load: bench.Receiver, Start: 40 << 20, Each: 200 << 10, Own: 200 << 10}).Missed(); len(all) != 0 {
		t.Errorf("missed %q", all)
	}
}
