package conference

import (
	"testing"
	"time"
)

// TestNobodyLeftAtANode: when the last one of a node leaves, the others stop sending media there.
func TestNobodyLeftAtANode(t *testing.T) {
	inCluster(t, 12, 3, func(t *testing.T, c *cluster) {
		a, b := c.at(0), c.at(1)
		wait(3 * time.Second)
		talk(time.Second, a, b)
		b.rig.router.Closed(b, true)
		wait(10 * time.Second)
		before := c.nodes[0].mediaSent()
		l := a.rig.leg(a)
		for range 50 {
			l.to.RTP(a.opus(), time.Now())
			wait(20 * time.Millisecond)
		}
		if n := c.nodes[0].mediaSent() - before; n != 0 {
			t.Errorf("%d packets were sent to a node that nobody is at", n)
		}
	})
}

// mediaSent returns how many media packets the node has sent to all others.
func (n *clusterNode) mediaSent() uint64 {
	var sum uint64
	for _, l := range n.mesh.Links() {
		for _, class := range l.Sent {
			sum += class.Packets
		}
	}
	return sum
}
