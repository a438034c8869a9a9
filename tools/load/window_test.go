package load_test

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

// window costs us microseconds per packet.
func window(us int64) load.Window {
	return load.Window{
		CPU: time.Duration(us) * 18400 * time.Microsecond, Elapsed: 4 * time.Second,
		Receivers: 20, Published: 4 * load.PacketsPerSecond, Delivered: 80 * load.PacketsPerSecond,
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		costs []int64
		want  time.Duration
	}{
		{nil, 0},
		{[]int64{7}, 7 * time.Microsecond},
		{[]int64{9, 1, 5}, 5 * time.Microsecond},
		{[]int64{8, 2, 100, 4}, 6 * time.Microsecond},
	} {
		var windows []load.Window
		for _, us := range c.costs {
			windows = append(windows, window(us))
		}
		if got := load.Median(windows); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.costs, got, c.want)
		}
	}
}

func TestStarvedWindows(t *testing.T) {
	good := window(5)
	if err := good.Starved(); err != nil {
		t.Errorf("a full window: %v", err)
	}
	late := good
	late.Published = late.Published * 96 / 100
	late.Delivered = late.Published * 20
	if late.Starved() == nil {
		t.Error("96 % of the plan counts")
	}
	lost := good
	lost.Delivered = lost.Delivered * 985 / 1000
	if lost.Starved() == nil {
		t.Error("1.5 % loss counts")
	}
	if (load.Window{Elapsed: time.Second}).Starved() == nil {
		t.Error("an empty window counts")
	}
}

func TestSumLeavesOutWhatWasThrownAway(t *testing.T) {
	rounds := []load.Round{
		{Node: window(5), Control: window(10)},
		{Node: window(90), Control: window(1), Thrown: "control: starved"},
		{Node: window(6), Control: window(12)},
		{Node: window(7), Control: window(11)},
	}
	f, err := load.Sum(rounds)
	if err != nil {
		t.Fatal(err)
	}
	if f.Counted != 3 || f.Node != 6*time.Microsecond || f.Control != 11*time.Microsecond || f.Ratio < 0.54 || f.Ratio > 0.55 {
		t.Errorf("figures are %+v", f)
	}
	if _, err := load.Sum(rounds[:3]); err == nil {
		t.Error("two windows are enough for a verdict")
	}
}
