package main

import "testing"

func TestWorthTidying(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, used, free uint64
		want             bool
	}{
		{8 * mb, 8 * mb, 0, false},
		{8 * mb, 7 * mb, 0, false}, // what was live died
		{8 * mb, 9 * mb, mb, false},
		{8 * mb, 9*mb + 1, 0, true},
		{8 * mb, 8 * mb, 2 * mb, true}, // a storm is over
		{2 * mb, 3 * mb, 0, false},     // an eighth, but hardly anything
		{800 * mb, 890 * mb, 90 * mb, false},
		{800 * mb, 910 * mb, 0, true},
	} {
		if got := worthTidying(c.live, c.used, c.free); got != c.want {
			t.Errorf("live %d, used %d, free %d: %v", c.live, c.used, c.free, got)
		}
	}
}
