package route

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

func all(identity.Name) bool { return true }

// TestVia: direct while the link is up, however slow; else over the best relay that is allowed.
func TestVia(t *testing.T) {
	type leg struct{ first, second Link }
	alive := func(rtt time.Duration, loss uint16) Link { return Link{rtt, loss, true} }
	for name, c := range map[string]struct {
		direct Link
		relays []leg // nodes 1, 2, 3
		banned int
		want   int // 9: the target; 0: none
	}{
		"direct though slow":              {alive(900*ms, 500), []leg{{alive(2*ms, 0), alive(2*ms, 0)}}, 0, 9},
		"nobody":                          {Link{}, nil, 0, 0},
		"the only one":                    {Link{}, []leg{{alive(400*ms, 0), alive(400*ms, 0)}}, 0, 1},
		"which is not allowed":            {Link{}, []leg{{alive(400*ms, 0), alive(400*ms, 0)}}, 1, 0},
		"which is down":                   {Link{}, []leg{{Link{RTT: ms}, alive(ms, 0)}}, 0, 0},
		"which cannot reach the target":   {Link{}, []leg{{alive(ms, 0), Link{RTT: ms}}}, 0, 0},
		"the sum counts, not the first":   {Link{}, []leg{{alive(10*ms, 0), alive(200*ms, 0)}, {alive(100*ms, 0), alive(80*ms, 0)}}, 0, 2},
		"nor the second":                  {Link{}, []leg{{alive(200*ms, 0), alive(10*ms, 0)}, {alive(100*ms, 0), alive(80*ms, 0)}}, 0, 2},
		"the next best when it is banned": {Link{}, []leg{{alive(10*ms, 0), alive(10*ms, 0)}, {alive(30*ms, 0), alive(30*ms, 0)}}, 1, 2},
		// 100 ms + 2 ms + 4 % of 2 x 100 ms = 110 ms against 109 and 111
		"loss":        {Link{}, []leg{{alive(100*ms, 40), alive(100*ms, 0)}, {alive(107*ms, 0), alive(107*ms, 0)}}, 0, 2},
		"little loss": {Link{}, []leg{{alive(100*ms, 0), alive(100*ms, 40)}, {alive(109*ms, 0), alive(109*ms, 0)}}, 0, 1},
		"there":       {Link{}, []leg{{alive(100*ms, 0), alive(100*ms, 40)}, {alive(107*ms, 0), alive(107*ms, 0)}}, 0, 2},
		"by name":     {Link{}, []leg{{alive(50*ms, 0), alive(50*ms, 0)}, {alive(50*ms, 0), alive(50*ms, 0)}, {alive(50*ms, 0), alive(50*ms, 0)}}, 0, 1},
	} {
		table := NewTable(node(0))
		table.Set(start, node(9), c.direct)
		for i, l := range c.relays {
			table.Set(start, node(i+1), l.first)
			row := wire.LinkRow{Node: node(9), RTT: l.second.RTT, Loss: l.second.Loss, Up: l.second.Up}
			if err := table.Learn(start, node(i+1), state(1, row)); err != nil {
				t.Fatal(err)
			}
		}
		got, ok := table.Via(start, node(9), func(n identity.Name) bool { return n != node(c.banned) })
		if ok != (c.want != 0) || ok && got != node(c.want) {
			t.Errorf("%s: %q, %v, want %d", name, got, ok, c.want)
		}
	}
	if _, ok := NewTable(node(0)).Via(start, node(0), all); ok {
		t.Error("a way to itself")
	}
}

// TestViaStays: another relay is taken only when it is better by more than 5 ms and 5 %, in each room by itself.
func TestViaStays(t *testing.T) {
	table := NewTable(node(0))
	now := start
	set := func(relay int, rtt time.Duration) { // of both links
		now = now.Add(100 * ms)
		table.Set(now, node(relay), Link{RTT: rtt, Up: true})
		err := table.Learn(now, node(relay), state(uint64(now.UnixMilli()), wire.LinkRow{Node: node(9), RTT: rtt, Up: true}))
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(want int, banned ...int) {
		t.Helper()
		got, _ := table.Via(now, node(9), func(n identity.Name) bool {
			for _, b := range banned {
				if n == node(b) {
					return false
				}
			}
			return true
		})
		if got != node(want) {
			t.Errorf("over %s, want %s", got, node(want))
		}
	}
	set(1, 40*ms)
	set(2, 41*ms)
	check(1)
	set(2, 35*ms) // 5 ms better
	check(1)
	check(2, 1) // a room without the first
	check(1)    // changes nothing for the others
	set(2, 34*ms)
	check(2)
	set(1, 29*ms)
	check(2)
	set(1, 28*ms)
	check(1)
	set(1, 400*ms)
	set(2, 400*ms)
	check(1)
	set(2, 381*ms) // 19 ms and less than 5 % better
	check(1)
	set(2, 379*ms)
	check(2)
	set(1, 370*ms)
	check(2)
	table.Set(now, node(9), Link{RTT: 600 * ms, Up: true})
	check(9)
	table.Set(now, node(9), Link{})
	check(1) // the best when a relay is needed anew
	table.Set(now, node(1), Link{})
	check(2)
	table.Set(now, node(1), Link{RTT: 370 * ms, Up: true})
	check(2)
}

// TestSettle: whoever comes first is at most the dead band worse than anybody after, and nobody moves without need.
func TestSettle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var order []identity.Name
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			costs := make(map[identity.Name]time.Duration)
			for i := range 5 {
				if rapid.IntRange(0, 4).Draw(t, "there") > 0 {
					costs[node(i)] = time.Duration(rapid.IntRange(10, 150).Draw(t, "cost")) * ms
				}
			}
			was := order
			order = settle(order, costs)
			if len(order) != len(costs) {
				t.Fatalf("%d of %d relays", len(order), len(costs))
			}
			for i := range order {
				for _, later := range order[i+1:] {
					if a, b := costs[order[i]], costs[later]; a-b > max(5*ms, a/20) {
						t.Fatalf("%v before %v", a, b)
					}
				}
			}
			if len(was) > 0 {
				if old, ok := costs[was[0]]; ok && old-best(costs) <= max(5*ms, old/20) && order[0] != was[0] {
					t.Fatalf("%v gave way to %v", old, costs[order[0]])
				}
			}
			if again := settle(order, costs); !slices.Equal(again, order) {
				t.Fatal("it does not stay")
			}
		}
	})
}

func best(costs map[identity.Name]time.Duration) time.Duration {
	least := time.Hour
	for _, c := range costs {
		least = min(least, c)
	}
	return least
}
