package conference

import (
	"context"
	"testing"
	"time"
)

// TestStopWhileARoomOpens: a node that stops while somebody waits for the room to be known stops.
func TestStopWhileARoomOpens(t *testing.T) {
	inCluster(t, 18, 2, func(t *testing.T, c *cluster) {
		a := c.nodes[0].client()
		a.join()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := c.nodes[0].rooms.Close(ctx); err != nil {
			t.Error(err)
			a.rig.router.Closed(a, true)
		}
	})
}

// TestStreamEndsWhileARoomOpens: what became of a stream before the room was known counts afterwards.
func TestStreamEndsWhileARoomOpens(t *testing.T) {
	inCluster(t, 19, 2, func(t *testing.T, c *cluster) {
		a, b := c.nodes[0].client(), c.nodes[0].client()
		a.join()
		b.join()
		a.rig.router.Suspended(a)
		b.rig.router.Closed(b, false)
		wait(time.Second)
		if n := c.nodes[0].rooms.Counts(); n.Participants != 1 {
			t.Errorf("who was gone before the room was known is in it: %+v", n)
		}
		wait(silence + 5*time.Second)
		if n := c.nodes[0].rooms.Counts(); n.Rooms != 0 {
			t.Errorf("who was lost before is still in it: %+v", n)
		}
	})
}
