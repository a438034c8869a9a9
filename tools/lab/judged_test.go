//go:build lab && linux

package lab_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// noise is how many cores others may take before a window says nothing of what is tested.
const noise = 0.4

// taken reports whether a window says nothing of what is tested: others had too much of the machine, or nothing of it was left, and
// then browsers show what they got of it.
func taken(load lab.Load) bool {
	return load.Others >= noise || load.Lab+load.Others > 0.95*float64(runtime.NumCPU())
}

// complaints collects what is wrong.
type complaints []string

func (c *complaints) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

// check says what is wrong in a window. Of what is wanted of the machine only a share counts, see judged.
type check func(reports []lab.Report, share float64) complaints

// judged judges a window and checks it. While the machine is taken the window is not counted and the next one is. The third always is:
// on a machine that is still taken a third of the wanted frame rates is enough, as long as what is sent arrives, and three times the
// age of a picture. Who is seen and heard, and by whom, no machine is the reason of.
func judged(t *testing.T, l *lab.Lab, judge func() []lab.Report, check check) {
	t.Helper()
	for k := range 3 {
		var reports []lab.Report
		load, err := l.Load(func() { reports = judge() })
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("window %d: the lab takes %.2f cores, others %.2f", k+1, load.Lab, load.Others)
		share := 1.
		if k == 2 && taken(load) {
			share = 1. / 3
		}
		wrong := check(reports, share)
		if len(wrong) == 0 {
			return
		}
		if k == 2 || !taken(load) {
			for _, w := range wrong {
				t.Error(w)
			}
			return
		}
		t.Logf("the machine is taken, once more: %q", wrong)
	}
}

// rate checks the frame rate of a picture of somebody who sent so many a second.
func (c *complaints) rate(seen string, v lab.Video, sent, bar, share float64) {
	if v.FPS() < bar*share {
		c.add("%s has %.0f frames a second, want %.0f or more", seen, v.FPS(), bar*share)
	}
	if share < 1 && v.Received < 0.8*sent {
		c.add("%s gets %.1f frames a second of %.1f that are sent", seen, v.Received, sent)
	}
}

// late is how much older than its way a picture may be.
func late(share float64) time.Duration { return time.Duration(float64(120*ms) / share) }
