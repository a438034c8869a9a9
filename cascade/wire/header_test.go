package wire

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func TestHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []room.State
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			m, _ := mendMessage(t, drawAs(t, room.State{})).(room.State)
			want = append(want, m)
		}
		got, err := ParseHeader(AppendHeader([]byte(nil), want))
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

func TestHeaderLimits(t *testing.T) {
	large := room.State{Parts: 1}
	for range 9 {
		large.Registers = append(large.Registers, room.Register{Key: "k", Value: strings.Repeat("x", maxText), Dot: room.Dot{Term: room.Term{Node: nodeA}, Seq: 1}})
	}
	if b := AppendHeader([]byte("before"), []room.State{large}); string(b) != "before" {
		t.Errorf("written: %d bytes", len(b))
	}
	if b := AppendHeader([]byte("before"), []room.State{{Parts: 0}}); string(b) != "before" {
		t.Errorf("written: %q", b)
	}
	for what, b := range map[string][]byte{
		"empty":     nil,
		"version 0": {0, 0},
		"cut":       {1, 1},
		"large":     append([]byte{1, 0}, make([]byte, MaxHeader)...),
	} {
		if got, err := ParseHeader(b); err == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
}
