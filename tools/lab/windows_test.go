//go:build lab && linux

package lab_test

import (
	"runtime"
	"testing"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/picture"
)

// TestWhichWindowCounts checks when a window is judged again, and what the last one is held to.
func TestWhichWindowCounts(t *testing.T) {
	cores := float64(runtime.NumCPU())
	var slow, someoneElse complaints
	slow.add("slow")
	someoneElse.add("slow")
	someoneElse.must("somebody else")
	for name, c := range map[string]struct {
		k      int
		load   lab.Load
		wrong  complaints
		again  bool
		wanted float64
	}{
		"nothing wrong":            {0, lab.Load{Lab: cores}, nil, false, 1},
		"free":                     {0, lab.Load{Lab: 0.9 * cores}, slow, false, 1},
		"full of the lab":          {0, lab.Load{Lab: 0.96 * cores}, slow, true, 1},
		"full of both":             {1, lab.Load{Lab: 0.9 * cores, Others: 0.06 * cores}, slow, true, 1},
		"noise":                    {1, lab.Load{Lab: 0.1, Others: noise}, slow, true, 1},
		"full, no machine's doing": {0, lab.Load{Lab: cores}, someoneElse, false, 1},
		"last, full":               {2, lab.Load{Lab: cores}, slow, false, 1. / 3},
		"last, free":               {2, lab.Load{Lab: 0.1}, slow, false, 1},
	} {
		if got := again(c.k, c.load, c.wrong); got != c.again {
			t.Errorf("%s: again %v, want %v", name, got, c.again)
		}
		if got := wanted(c.k, c.load); got != c.wanted {
			t.Errorf("%s: %v of what is wanted, want %v", name, got, c.wanted)
		}
	}
}

// TestRateOfAFullMachine checks that less is wanted then, but that what is sent has to arrive.
func TestRateOfAFullMachine(t *testing.T) {
	for name, c := range map[string]struct {
		decoded, received, sent, share float64
		wrong                          int
	}{
		"smooth":            {20, 20, 20, 1, 0},
		"slow":              {8, 20, 20, 1, 1},
		"slow, full":        {8, 20, 20, 1. / 3, 0},
		"nearly still":      {6, 20, 20, 1. / 3, 1},
		"lost on the way":   {8, 15, 20, 1. / 3, 1},
		"nothing is sent":   {8, 8, 0, 1. / 3, 1},
		"not sent, by half": {8, 8, 8, 1. / 3, 0},
	} {
		var wrong complaints
		wrong.rate("it", lab.Video{Decoded: []float64{c.decoded}, Received: c.received}, c.sent, 20, c.share)
		if len(wrong) != c.wrong {
			t.Errorf("%s: %q, want %d complaints", name, wrong, c.wrong)
		}
	}
}

// TestIdentityIsNoMachinesDoing checks that somebody else's picture is wrong at once, and one that cannot be read is not.
func TestIdentityIsNoMachinesDoing(t *testing.T) {
	of := func(strips ...int64) (v lab.Video) {
		for k, s := range strips {
			v.Samples = append(v.Samples, [2]int64{s, int64(k)})
		}
		return v
	}
	own, other := int64(picture.Strip(3, 0)), int64(picture.Strip(4, 0))
	for name, c := range map[string]struct {
		video       lab.Video
		wrong, sure bool
	}{
		"own":        {of(own, own), false, false},
		"other":      {of(other, other), true, true},
		"unreadable": {of(own, -1), true, false},
		"both":       {of(own, other), true, false},
		"none":       {of(), true, false},
	} {
		var wrong complaints
		wrong.identity("it", c.video, 3)
		if got := len(wrong) > 0; got != c.wrong || got && wrong[0].sure != c.sure {
			t.Errorf("%s: %+v, want wrong %v and sure %v", name, wrong, c.wrong, c.sure)
		}
	}
}
