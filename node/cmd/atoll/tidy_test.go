package main

import "testing"

const mb = 1 << 20

func TestTidying(t *testing.T) {
	for _, c := range []struct {
		heap
		want tidying
	}{
		{heap{live: 8 * mb, used: 8 * mb}, leave},
		{heap{live: 8 * mb, used: 7 * mb}, leave}, // what was live died
		{heap{live: 8 * mb, used: 9 * mb, free: mb}, leave},
		{heap{live: 8 * mb, used: 9*mb + 1}, release},
		{heap{live: 8 * mb, used: 8 * mb, free: 2 * mb}, release}, // a storm is over
		{heap{live: 2 * mb, used: 3 * mb}, leave},                 // an eighth, but hardly anything
		{heap{live: 800 * mb, used: 890 * mb, free: 90 * mb}, leave},
		{heap{live: 800 * mb, used: 910 * mb}, collect},
		{heap{live: 800 * mb, used: 810 * mb, free: 60 * mb}, leave},
		{heap{live: 800 * mb, used: 750 * mb, free: 101 * mb}, release},
		{heap{live: 800 * mb, used: 810 * mb, free: 101 * mb}, leave}, // the runtime gives it back
	} {
		if got := new(tidier).decide(c.heap); got != c.want {
			t.Errorf("%+v: %v, want %v", c.heap, got, c.want)
		}
	}
}

// A collection in the middle of a storm finds alive what is dead soon after, and there may not be another for hours.
func TestTheHeapIsTidiedWhenAStormIsOver(t *testing.T) {
	tidied := heap{live: 6 * mb, used: 6 * mb, allocated: 100 * mb, cycles: 3}
	d := tidier{tidied: tidied, last: tidied}
	storm := heap{live: 14 * mb, used: 13 * mb, allocated: 300 * mb, cycles: 14}
	if got := d.decide(storm); got != leave {
		t.Errorf("while the runtime collects by itself: %v", got)
	}
	over := storm
	over.used += mb / 2
	over.allocated += mb / 2
	if got := d.decide(over); got != release {
		t.Errorf("after the storm: %v", got)
	}
	d.tidied, d.last = over, over
	for range 3 {
		over.allocated += mb / 2
		if got := d.decide(over); got != leave {
			t.Errorf("hardly anything happened since: %v", got)
		}
	}
	over.allocated += mb / 2
	if got := d.decide(over); got != release {
		t.Errorf("little after little: %v", got)
	}
}
