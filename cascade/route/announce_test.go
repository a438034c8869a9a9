package route

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

const ms = time.Millisecond

// TestAnnounce: links are told every two seconds and at once when they change, though not more often than every 100 ms.
func TestAnnounce(t *testing.T) {
	a, b, c := node(0), node(1), node(2)
	table := NewTable(a)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	if next := table.Next(); !next.IsZero() {
		t.Errorf("nobody to tell, next at %v", next)
	}
	table.Set(start, c, Link{})
	if _, to, due := table.Announce(start); due || to != nil {
		t.Errorf("told a link that is down to %v", to)
	}
	var seq uint64
	for _, s := range []struct {
		at   time.Duration // a change
		peer identity.Name
		link Link
		due  time.Duration
		why  string
	}{
		{5 * ms, b, Link{RTT: 80 * ms, Up: true}, 5 * ms, "the first link"},
		{50 * ms, c, Link{RTT: 50 * ms, Loss: 7, Up: true}, 105 * ms, "another one soon after"},
		{200 * ms, b, Link{RTT: 88 * ms, Up: true}, 2105 * ms, "10 % slower"},
		{3000 * ms, b, Link{RTT: 97 * ms, Up: true}, 3000 * ms, "more than 10 % slower than was told"},
		{3500 * ms, c, Link{RTT: 44 * ms, Loss: 7, Up: true}, 3500 * ms, "more than 10 % faster"},
		{4000 * ms, c, Link{RTT: 44 * ms, Loss: 300, Up: true}, 5500 * ms, "loss alone"},
		{6000 * ms, c, Link{RTT: 500 * time.Microsecond, Up: true}, 6000 * ms, "much faster"},
		{6200 * ms, c, Link{RTT: 1500 * time.Microsecond, Up: true}, 8000 * ms, "a millisecond"},
		{8500 * ms, c, Link{RTT: 1500 * time.Microsecond}, 8500 * ms, "down"},
		{8600 * ms, c, Link{RTT: 90 * ms}, 10500 * ms, "down and slow"},
	} {
		table.Set(at(s.at), s.peer, s.link)
		if next := table.Next(); !next.Equal(at(s.due)) {
			t.Fatalf("%s: next at %v, want %v", s.why, next.Sub(start), s.due)
		}
		if _, _, due := table.Announce(at(s.due - 1)); due {
			t.Fatalf("%s: too early", s.why)
		}
		state, to, due := table.Announce(at(s.due))
		if !due || to[0] != b {
			t.Fatalf("%s: not told: %v, %v", s.why, due, to)
		}
		if state.Seq <= seq {
			t.Errorf("%s: sequence %d after %d", s.why, state.Seq, seq)
		}
		seq = state.Seq
		i := 0
		if s.peer == c {
			i = 1
		}
		if got := state.Rows[i]; got != (wire.LinkRow{Node: s.peer, RTT: s.link.RTT, Loss: s.link.Loss, Up: s.link.Up}) {
			t.Errorf("%s: told %+v", s.why, got)
		}
	}
	table.Set(at(10800*ms), b, Link{RTT: time.Hour, Loss: 2000, Up: true})
	strange, _, _ := table.Announce(at(10800 * ms))
	if err := NewTable(c).Learn(at(10800*ms), a, wire.LinkState{Seq: strange.Seq, Rows: strange.Rows[:1]}); err != nil {
		t.Error(err)
	}
	table.Set(at(11*time.Second), b, Link{})
	if _, _, due := table.Announce(at(11 * time.Second)); due || !table.Next().IsZero() {
		t.Error("announces to nobody")
	}
	after := NewTable(a)
	after.Set(at(12*time.Second), b, Link{Up: true})
	state, to, _ := after.Announce(at(12 * time.Second))
	if state.Seq <= seq {
		t.Errorf("sequence %d after a restart, %d before", state.Seq, seq)
	}
	if diff := cmp.Diff([]identity.Name{b}, to); diff != "" {
		t.Error(diff)
	}
}
