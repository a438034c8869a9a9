package conference

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// inside runs f on the loop of the test's room at a node, and returns when it has.
func (n *clusterNode) inside(f func(c *Conference)) {
	done := make(chan struct{})
	err := n.rooms.post(testRoom, false, func(c *Conference, _ time.Time) {
		f(c)
		close(done)
	})
	if err != nil {
		n.t.Error(err)
		return
	}
	<-done
}

// sequencer returns who decides, as a node sees it.
func (n *clusterNode) sequencer() (name identity.Name) {
	n.inside(func(c *Conference) { name = c.replica.Sequencer() })
	return name
}

// TestNewcomersDoNotTakeOver: the node that decides about a room does so until it leaves, whoever comes.
func TestNewcomersDoNotTakeOver(t *testing.T) {
	inCluster(t, 13, 4, func(t *testing.T, c *cluster) {
		c.at(0)
		wait(3 * time.Second)
		first := c.nodes[0].sequencer()
		for i := 1; i < 4; i++ {
			c.at(i)
			wait(3 * time.Second)
			for _, n := range c.nodes[:i+1] {
				if now := n.sequencer(); now != first {
					t.Errorf("after %d came, %s decides for %s, not %s", i, now, n.mesh.Name(), first)
				}
			}
		}
	})
}
