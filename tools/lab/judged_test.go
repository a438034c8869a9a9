//go:build lab && linux

package lab_test

import (
	"fmt"
	"runtime"
	"slices"
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

// complaint is something that is wrong.
type complaint struct {
	what string
	sure bool // no machine is the reason of it
}

func (c complaint) String() string { return c.what }

// complaints collects what is wrong.
type complaints []complaint

// add adds what a machine that is taken may be the reason of.
func (c *complaints) add(format string, args ...any) {
	*c = append(*c, complaint{what: fmt.Sprintf(format, args...)})
}

// must adds what no machine is the reason of.
func (c *complaints) must(format string, args ...any) {
	*c = append(*c, complaint{what: fmt.Sprintf(format, args...), sure: true})
}

// rate adds a picture that comes too seldom, of somebody who sent so many a second.
func (c *complaints) rate(seen string, v lab.Video, sent, bar, share float64) {
	if v.FPS() < bar*share {
		c.add("%s has %.1f frames a second, want %.1f or more", seen, v.FPS(), bar*share)
	}
	if share < 1 && (sent == 0 || v.Received < 0.8*sent) {
		c.add("%s gets %.1f frames a second of %.1f that are sent", seen, v.Received, sent)
	}
}

// identity adds a picture that is not whose it should be.
func (c *complaints) identity(seen string, v lab.Video, want uint8) {
	id, sure := v.Identity()
	switch {
	case sure >= 0.9 && id != want:
		c.must("%s shows %d in %.2f of %d pictures", seen, id, sure, len(v.Samples))
	case id != want || sure < 0.9:
		c.add("%s shows %d in %.2f of %d pictures", seen, id, sure, len(v.Samples))
	}
}

// late is how much older than its way a picture may be.
func late(share float64) time.Duration { return time.Duration(float64(120*ms) / share) }

// verdict says what is wrong in reports. A share of less than 1 of the wanted frame rates, and of the haste, is enough on a machine that is
// taken.
type verdict func(reports []lab.Report, share float64) complaints

// windows are as many as are judged at most.
const windows = 3

// wanted returns which share of what is wanted counts in window k, from 0.
func wanted(k int, load lab.Load) float64 {
	if k == windows-1 && taken(load) {
		return 1. / 3
	}
	return 1
}

// again reports whether another window is judged after window k.
func again(k int, load lab.Load, wrong complaints) bool {
	return len(wrong) > 0 && k < windows-1 && taken(load) && !slices.ContainsFunc(wrong, func(c complaint) bool { return c.sure })
}

// judged judges a window. While the machine is taken the window is not counted, but for what no machine is the reason of, and the next one
// is. The third always is: on a machine that is still taken a third of the wanted frame rates is enough, as long as what is sent arrives,
// and three times the age of a picture.
func judged(t *testing.T, l *lab.Lab, judge func() []lab.Report, verdict verdict) {
	t.Helper()
	for k := range windows {
		var reports []lab.Report
		load, err := l.Load(func() { reports = judge() })
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("window %d: the lab takes %.2f cores, others %.2f", k+1, load.Lab, load.Others)
		wrong := verdict(reports, wanted(k, load))
		if !again(k, load, wrong) {
			for _, w := range wrong {
				t.Error(w)
			}
			return
		}
		t.Logf("the machine is taken, once more: %q", wrong)
	}
}
