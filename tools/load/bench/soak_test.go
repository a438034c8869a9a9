//go:build load

package bench_test

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

// People come and go, and the node holds as much at the end as at the beginning. make soak does it for an hour.
func TestPeopleComeAndGoAndNothingStays(t *testing.T) {
	const (
		goroutinesLimit = 1.05
		memoryLimit     = 1.08 // what one collection of garbage more or less makes of so small a process
	)
	node, err := load.StartNode(t.Context(), program())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(); err != nil {
			t.Error(err)
		}
	})
	soaked, err := load.Soak{
		Node: node, People: 40, Senders: 6, Every: 400 * time.Millisecond, Warm: 15 * time.Second, Stay: 25 * time.Second, Sample: 500 * time.Millisecond,
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range soaked.Failed {
		t.Error(f)
	}
	rss, goroutines := soaked.Growth()
	t.Logf("%d joined; resident memory x%.3f, goroutines x%.3f, at the end %+v", soaked.Joined, rss, goroutines, soaked.Samples[len(soaked.Samples)-1])
	if soaked.Joined < 60 {
		t.Errorf("only %d joined: the machine is too busy to tell anything", soaked.Joined)
	}
	if goroutines > goroutinesLimit || rss > memoryLimit {
		t.Errorf("resident memory grew to %.3f, goroutines to %.3f of what they were", rss, goroutines)
	}
}
