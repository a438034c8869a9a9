package member

import (
	"fmt"
	"testing"
	"time"
)

func TestPartitionsHeal(t *testing.T) {
	for _, c := range []struct {
		size, cut int
		lasts     time.Duration
		seeded    bool
	}{
		{5, 2, time.Minute, true},
		{5, 2, 10 * time.Minute, true},
		{many(), many() / 4, time.Minute, true},
		{many(), many() / 4, 10 * time.Minute, true},
		{5, 2, 2 * time.Hour, false},
	} {
		if testing.Short() && c.lasts > 10*time.Minute {
			continue
		}
		t.Run(fmt.Sprintf("%d of %d for %v, seeds %v", c.cut, c.size, c.lasts, c.seeded), func(t *testing.T) {
			in(t, 7, func(w *world) {
				nodes := w.cluster(c.size)
				if !c.seeded { // what they remember has to do
					for _, n := range nodes {
						time.Sleep(6 * time.Second)
						n.stop()
						n.start(nil)
						w.within(10*time.Second, "back without seeds", one(nodes...))
					}
				}
				side, other := nodes[:c.cut], nodes[c.cut:]
				w.net.Partition(sites(side), sites(other))
				// How long memberlist takes to notice is no promise of ours: it asks one member a second, in turn, and
				// lets each explain itself.
				w.within(30*time.Second+6*time.Second*time.Duration(c.size), "two clusters", func() bool { return one(side...)() && one(other...)() })
				time.Sleep(c.lasts)
				if !one(side...)() || !one(other...)() {
					t.Fatal("the sides do not keep together")
				}
				w.net.Heal()
				w.within(20*time.Second, "one cluster again", one(nodes...))
				time.Sleep(time.Minute)
				if !one(nodes...)() {
					t.Error("not one cluster a minute later")
				}
			})
		})
	}
}
