//go:build load

package load_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

// A hundred are in a room for three minutes, every second one leaves and another comes, and the node holds as much at the end as at
// the beginning: about 120 come and go between the thirds that are compared. make soak does it for an hour.
//
// It runs beside other tests, with low priority: what is judged are counts, and of joins no more than that most succeeded.
func TestChurnLeavesNothing(t *testing.T) {
	const (
		stay            = 3 * time.Minute
		goroutinesLimit = 1.05
		memoryLimit     = 1.08 // what one collection of garbage more or less makes of so small a process
		people          = 100
		leastChanged    = 90 // of 180 who leave
		mostFailed      = 3  // who had no core for a minute
	)
	node := started(t)
	soaked, err := load.Soak{
		Node: node, People: people, Senders: 2, Every: time.Second, Warm: 20 * time.Second, Stay: stay, Sample: time.Second,
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range soaked.Failed {
		t.Log(f)
	}
	if n := len(soaked.Failed); n > mostFailed {
		t.Errorf("%d of %d failed", n, soaked.Joined)
	}
	rss, goroutines := soaked.Growth()
	t.Logf("%d joined; resident memory x%.3f, goroutines x%.3f, at the end %+v", soaked.Joined, rss, goroutines, soaked.Samples[len(soaked.Samples)-1])
	spent, err := load.CPU(node.PID)
	var own syscall.Rusage
	if err == nil {
		err = syscall.Getrusage(syscall.RUSAGE_SELF, &own)
	}
	if err != nil {
		t.Error(err)
	}
	t.Logf("the node spent %.1f s of CPU, its participants %.1f", spent.Seconds(), time.Duration(own.Utime.Nano()+own.Stime.Nano()).Seconds())
	if soaked.Joined < people+leastChanged {
		t.Errorf("only %d joined: the machine is too busy to tell anything", soaked.Joined)
	}
	if goroutines > goroutinesLimit || rss > memoryLimit {
		t.Errorf("resident memory grew to %.3f, goroutines to %.3f of what they were", rss, goroutines)
	}
}
