//go:build linux

package lab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProcessWithAnyName(t *testing.T) {
	pid, p := parseProcess("812 (a ) (b) S 77 812 812 0 -1 4194304 1 2 3 4 250 31 0 0 20 0 1 0\n")
	if pid != 812 || p.parent != 77 || p.ticks != 281 {
		t.Errorf("process %d %+v, want 812 of 77 with 281 ticks", pid, p)
	}
}

func TestDescendantsAreOfTheLab(t *testing.T) {
	got := families(map[int]process{
		1:  {ticks: 1000},
		10: {parent: 1, ticks: 500},
		20: {parent: 10, inside: true, ticks: 7},
		21: {parent: 20, ticks: 8},
		22: {parent: 21, ticks: 9},
		30: {parent: 1, inside: true, ticks: 10}, // its parent has ended
		40: {parent: 41, ticks: 11},              // whom nobody can have read
		41: {parent: 40, ticks: 12},
		50: {parent: 99, ticks: 13},
	})
	if diff := cmp.Diff(map[int]float64{20: 7, 21: 8, 22: 9, 30: 10}, got); diff != "" {
		t.Error(diff)
	}
}
