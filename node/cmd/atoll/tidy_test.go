package main

import "testing"

func TestWorthTidying(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, used uint64
		want       bool
	}{
		{8 * mb, 8 * mb, false},
		{8 * mb, 7 * mb, false}, // what was live died
		{8 * mb, 9 * mb, false},
		{8 * mb, 9*mb + 1, true},
		{2 * mb, 3 * mb, false}, // an eighth, but hardly anything
		{800 * mb, 890 * mb, false},
		{800 * mb, 910 * mb, true},
	} {
		if got := worthTidying(c.live, c.used); got != c.want {
			t.Errorf("live %d, used %d: %v", c.live, c.used, got)
		}
	}
}
