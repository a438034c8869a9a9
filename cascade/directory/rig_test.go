package directory

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

const (
	self  = identity.Name("selfselfse")
	nodeA = identity.Name("aaaaaaaaaa")
	nodeB = identity.Name("bbbbbbbbbb")
	nodeC = identity.Name("cccccccccc")
	nodeD = identity.Name("dddddddddd")
)

func at(d time.Duration) time.Time { return start.Add(d) }

func expect(t *testing.T, got []Effect, want ...Effect) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// must fails the test when an engine refuses what is right.
func must(t *testing.T) func(effects []Effect, err error) []Effect {
	return func(effects []Effect, err error) []Effect {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return effects
	}
}

// roomWith returns a room that has exactly these servers of the members.
func roomWith(t *testing.T, members []identity.Name, want ...identity.Name) string {
	t.Helper()
	for i := range 10_000 {
		room := string(nodeName(i%20)) + string(rune('a'+i/20))
		servers := Servers(room, members)
		ok := len(servers) == len(want)
		for _, n := range want {
			ok = ok && contains(servers, n)
		}
		if ok {
			return room
		}
	}
	t.Fatalf("no room with servers %v", want)
	return ""
}

func contains(names []identity.Name, one identity.Name) bool {
	return len(without(names, one)) < len(names)
}

func leaseOf(room string, incarnation uint64, header string) wire.Lease {
	f := wire.Lease{Room: room, Incarnation: incarnation, TTL: ttl}
	if header != "" {
		f.HasHeader, f.Header = true, []byte(header)
	}
	return f
}

func holders(room string, nodes ...identity.Name) wire.Holders {
	return wire.Holders{Room: room, Nodes: nodes}
}
