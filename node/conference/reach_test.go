package conference

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// counted is a room that counts what it is told of links.
type counted struct{ reachable atomic.Int32 }

func (r *counted) Reachable([]identity.Name)     { r.reachable.Add(1) }
func (*counted) Claimed(bool, []byte)            {}
func (*counted) Holders([]identity.Name)         {}
func (*counted) Linked(identity.Name)            {}
func (*counted) Unlinked(identity.Name)          {}
func (*counted) Frame(identity.Name, wire.Frame) {}

// TestQuietLinksWakeNobody: while links stay as they are, rooms are not told of them.
func TestQuietLinksWakeNobody(t *testing.T) {
	inCluster(t, 22, 5, func(t *testing.T, c *cluster) {
		r := &counted{}
		c.nodes[0].mesh.Enter("room", r)
		wait(10 * time.Second)
		before := r.reachable.Load()
		wait(20 * time.Second)
		if n := r.reachable.Load() - before; n != 0 {
			t.Errorf("told %d times in 20 s", n)
		}
		c.stop(c.nodes[4])
		wait(3 * time.Second)
		if r.reachable.Load() == before {
			t.Error("not told that a node is gone")
		}
		c.nodes[0].mesh.Leave("room", r)
	})
}

// TestWhoLeftIsNotReachable: a node that said good-bye cannot be reached any more.
func TestWhoLeftIsNotReachable(t *testing.T) {
	inCluster(t, 23, 3, func(t *testing.T, c *cluster) {
		gone := c.nodes[2].mesh.Name()
		c.stop(c.nodes[2])
		wait(4 * time.Second)
		for _, n := range c.nodes[:2] {
			if slices.Contains(n.mesh.View().Reachable, gone) {
				t.Errorf("%s can reach who left", n.mesh.Name())
			}
		}
	})
}

// TestRestartWithoutMemory: who was at a node that started anew leaves after the grace, not later than when it had vanished.
func TestRestartWithoutMemory(t *testing.T) {
	inCluster(t, 24, 3, func(t *testing.T, c *cluster) {
		a, _, d := c.at(0), c.at(1), c.at(2)
		wait(3 * time.Second)
		old := c.nodes[2]
		c.kill(old)
		c.nodes = c.nodes[:2]
		old.host.Open()
		c.start(&clusterNode{host: old.host, key: old.key})
		wait(8 * time.Second)
		if n := a.unavailable(d); n != 0 {
			t.Errorf("%d departures within the grace", n)
		}
		wait(6 * time.Second)
		if n := a.unavailable(d); n != 1 {
			t.Errorf("%d departures after it", n)
		}
	})
}
