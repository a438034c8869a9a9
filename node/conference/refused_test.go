package conference

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/wire"
)

// TestRefusedSubscriptionsAreOver: what another node does not send is not waited for under its old number.
func TestRefusedSubscriptionsAreOver(t *testing.T) {
	inCluster(t, 14, 2, func(t *testing.T, c *cluster) {
		a, b := c.at(0), c.at(1)
		wait(3 * time.Second)
		talk(time.Second, a, b)
		before := 0
		for i := range 5 {
			var subs []uint32
			c.nodes[1].inside(func(c *Conference) {
				for sub := range c.flows {
					subs = append(subs, sub)
				}
			})
			if i == 0 {
				before = len(subs)
			}
			for _, sub := range subs {
				c.nodes[0].mesh.Send(c.nodes[1].mesh.Name(), wire.Subscribed{Room: testRoom, Sub: sub, Code: wire.CodeUnknownSource})
			}
			wait(6 * time.Second)
		}
		c.nodes[1].inside(func(c *Conference) {
			if before == 0 || len(c.flows) != before {
				t.Errorf("%d subscriptions, %d before they were refused", len(c.flows), before)
			}
			c.upstream.Range(func(_, v any) bool {
				if _, ok := c.flows[v.(upstream).sub]; !ok {
					t.Errorf("feedback goes to the subscription %d, which is over", v.(upstream).sub)
				}
				return true
			})
		})
	})
}
