package conference

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// TestLockIsKnownWhereNobodyIsYet: who comes to a node that does not hold the room is asked for the password that was set
// elsewhere, before seeing anybody.
func TestLockIsKnownWhereNobodyIsYet(t *testing.T) {
	inCluster(t, 11, 3, func(t *testing.T, c *cluster) {
		a := c.at(0)
		wait(3 * time.Second)
		a.lock("secret")
		wait(3 * time.Second)
		for i := 1; i < 3; i++ {
			late := c.at(i)
			wait(2 * time.Second)
			if n := late.count(func(st *stanza.Element) bool { return st.Local == "presence" && st.Attr("type") != "error" }); n != 0 {
				t.Errorf("node %d: %d presences reached who had no password", i, n)
			}
		}
	})
}
