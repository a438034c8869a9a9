package route

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

func up(i int) wire.LinkRow { return wire.LinkRow{Node: node(i), RTT: 40 * ms, Up: true} }

func state(seq uint64, rows ...wire.LinkRow) wire.LinkState {
	return wire.LinkState{Seq: seq, Rows: rows}
}

// TestLearnRefuses: what makes no sense changes nothing.
func TestLearnRefuses(t *testing.T) {
	many := make([]wire.LinkRow, maxRows+1)
	for i := range many {
		many[i].Node = identity.Name(fmt.Sprintf("aaaaaa%c%c%c%c", 'a'+i/676, 'a'+i/26%26, 'a'+i%26, 'z'))
	}
	for name, c := range map[string]struct {
		from int
		f    wire.LinkState
		ok   bool
	}{
		"good":        {1, state(8, up(3)), true},
		"as many":     {1, state(8, many[:maxRows]...), true},
		"old":         {1, state(7, up(3)), true}, // passed over
		"too many":    {1, state(8, many...), false},
		"of itself":   {1, state(8, up(3), up(1)), false},
		"twice":       {1, state(8, up(3), up(3)), false},
		"negative":    {1, state(8, wire.LinkRow{Node: node(3), RTT: -1}), false},
		"slow":        {1, state(8, wire.LinkRow{Node: node(3), RTT: time.Hour}), false},
		"all lost":    {1, state(8, wire.LinkRow{Node: node(3), Loss: 1001}), false},
		"no name":     {1, state(8, wire.LinkRow{Node: "x"}), false},
		"from itself": {0, state(8, up(3)), false},
	} {
		table := NewTable(node(0))
		table.Set(start, node(1), Link{Up: true})
		if err := table.Learn(start, node(1), state(7, up(2))); err != nil {
			t.Fatal(err)
		}
		before := table.Links(start)
		err := table.Learn(start, node(c.from), c.f)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if changed := !cmp.Equal(before, table.Links(start)); changed != (c.ok && c.f.Seq > 7) {
			t.Errorf("%s: changed: %v", name, changed)
		}
	}
}

// TestLearnIsBounded: also by nodes that have no link with us.
func TestLearnIsBounded(t *testing.T) {
	table := NewTable(node(0))
	for i := range 2 * maxNodes {
		from := identity.Name(fmt.Sprintf("bbbbbb%c%c%c%c", 'a'+i/676, 'a'+i/26%26, 'a'+i%26, 'z'))
		if err := table.Learn(start, from, state(1, up(2))); (err == nil) != (i < maxNodes) {
			t.Fatalf("node %d: %v", i, err)
		}
	}
	if err := table.Learn(start.Add(forgetUnheard), node(1), state(1, up(2))); err != nil {
		t.Error(err)
	}
}

// TestReachable: directly, or over one node to which the link is up; what is not said again is forgotten.
func TestReachable(t *testing.T) {
	table := NewTable(node(0))
	at := func(s float64) time.Time { return start.Add(time.Duration(s*1000+0.5) * ms) }
	check := func(s float64, want string) {
		t.Helper()
		var got strings.Builder
		for _, n := range table.Reachable(at(s)) {
			got.WriteByte(n[0])
		}
		if got.String() != want {
			t.Errorf("after %v s: %s can be reached, want %s", s, got.String(), want)
		}
	}
	learn := func(s float64, from int, f wire.LinkState) {
		t.Helper()
		if err := table.Learn(at(s), node(from), f); err != nil {
			t.Fatal(err)
		}
	}
	table.Set(at(0), node(1), Link{Up: true})
	table.Set(at(0), node(2), Link{Up: true})
	table.Set(at(0), node(3), Link{})
	check(0, "bc")
	learn(0, 1, state(5, up(0), up(4), up(2), wire.LinkRow{Node: node(5)}))
	check(0, "bce")
	learn(0, 3, state(5, up(6))) // the link to it is down
	check(0, "bce")
	learn(1, 1, state(4)) // older
	check(1, "bce")
	learn(1, 1, state(6, up(4), up(5)))
	check(1, "bcef")
	table.Set(at(2), node(1), Link{})
	check(2, "c")
	table.Set(at(6.9), node(1), Link{Up: true}) // kept for 5 s
	check(6.9, "bcef")
	learn(6.9, 1, state(1, up(4))) // it started anew
	check(6.9, "bce")
	if next := table.Next(); !next.Equal(at(0)) { // to announce
		t.Error(next)
	}
	table.Announce(at(16.8))
	if next := table.Next(); !next.Equal(at(16.9)) {
		t.Error(next)
	}
	check(16.8, "bce")
	check(16.9, "bc") // not said again for 10 s
	learn(17, 1, state(1, up(4)))
	table.Set(at(18), node(1), Link{})
	if next := table.Next(); !next.Equal(at(18)) {
		t.Error(next)
	}
	table.Announce(at(22))
	if next := table.Next(); !next.Equal(at(23)) {
		t.Error(next)
	}
	check(23, "c")
	table.Set(at(23), node(1), Link{Up: true})
	check(23, "bc")
	table.Set(at(24), node(1), Link{})
	if got := len(table.Links(at(83))); got != 2 { // the link to 3 was not set for a minute
		t.Errorf("%d links", got)
	}
	if got := table.Links(at(84)); len(got) != 1 || got[0] != (Edge{node(0), node(2), Link{Up: true}}) {
		t.Errorf("%+v", got)
	}
}

// TestLearnAnything: whatever comes is refused or shown as it came.
func TestLearnAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := NewTable(node(0))
		table.Set(start, node(1), Link{Up: true})
		f := wire.LinkState{Seq: rapid.Uint64().Draw(t, "seq")}
		for range rapid.IntRange(0, 6).Draw(t, "rows") {
			f.Rows = append(f.Rows, wire.LinkRow{
				Node: node(rapid.IntRange(0, 9).Draw(t, "node")),
				RTT:  rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64().Draw(t, "rtt")) }).Draw(t, "d"),
				Loss: rapid.Uint16().Draw(t, "loss"), Up: rapid.Bool().Draw(t, "up"),
			})
		}
		err := table.Learn(start, node(1), f)
		shown := len(table.Links(start)) - 1
		if err != nil && shown != 0 || err == nil && f.Seq > 0 && shown != len(f.Rows) {
			t.Errorf("%d of %d rows are shown after %v", shown, len(f.Rows), err)
		}
		for i := range 10 {
			next, ok := table.Via(start, node(i), func(identity.Name) bool { return true })
			if ok && (next != node(1) || i == 0) {
				t.Errorf("%s via %s", node(i), next)
			}
		}
	})
}
