package directory

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Nodes of different versions must find the same servers: this order never changes.
func TestRankIsStable(t *testing.T) {
	nodes := []identity.Name{"aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "dddddddddd", "eeeeeeeeee", "2345672345"}
	for key, want := range map[string][]identity.Name{
		"":                             {"eeeeeeeeee", "aaaaaaaaaa", "bbbbbbbbbb", "2345672345", "dddddddddd", "cccccccccc"},
		"demo@conference.example.org":  {"cccccccccc", "2345672345", "dddddddddd", "aaaaaaaaaa", "bbbbbbbbbb", "eeeeeeeeee"},
		"réunion@conference.localhost": {"2345672345", "dddddddddd", "eeeeeeeeee", "cccccccccc", "aaaaaaaaaa", "bbbbbbbbbb"},
	} {
		if diff := cmp.Diff(want, Rank(key, nodes)); diff != "" {
			t.Errorf("%q: %s", key, diff)
		}
	}
}

func drawNodes(t *rapid.T) []identity.Name {
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) identity.Name {
		return identity.Name(rapid.StringMatching(`[a-z2-7]{10}`).Draw(t, "name"))
	}), 0, 20, rapid.ID).Draw(t, "nodes")
}

func TestRankDependsOnKeyAndSetAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, nodes := rapid.String().Draw(t, "key"), drawNodes(t)
		want := Rank(key, nodes)
		if !slices.Equal(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(nodes))) {
			t.Fatalf("%v are ranked %v", nodes, want)
		}
		other := rapid.Permutation(nodes).Draw(t, "order")
		if got := Rank(key, other); !slices.Equal(got, want) {
			t.Fatalf("%v in another order are ranked %v, not %v", nodes, got, want)
		}
		if got := Servers(key, other); !slices.Equal(got, want[:min(3, len(want))]) {
			t.Fatalf("servers %v of %v", got, want)
		}
	})
}

// A node that goes changes nothing in the order of the others.
func TestRankOfTheOthersStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, nodes := rapid.String().Draw(t, "key"), drawNodes(t)
		if len(nodes) == 0 {
			return
		}
		gone := rapid.SampledFrom(nodes).Draw(t, "gone")
		if got, want := Rank(key, without(nodes, gone)), without(Rank(key, nodes), gone); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestRankSpreadsRooms(t *testing.T) {
	const rooms, size = 9000, 9
	var nodes []identity.Name
	for i := range size {
		nodes = append(nodes, nodeName(i))
	}
	var served [size][size]int // by node and place
	for i := range rooms {
		for place, n := range Rank(fmt.Sprintf("room%d@conference.example.org", i), nodes) {
			served[slices.Index(nodes, n)][place]++
		}
	}
	for i := range served {
		for place, n := range served[i] {
			if n < rooms/size*85/100 || n > rooms/size*115/100 {
				t.Errorf("node %d has place %d of %d of %d rooms", i, place, n, rooms)
			}
		}
	}
}
