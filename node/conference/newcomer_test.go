package conference

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// TestNewcomersAreNoModerators: who comes to a node that nobody is at finds the room as it is: never a moderator, and the others
// are told of before itself.
func TestNewcomersAreNoModerators(t *testing.T) {
	inCluster(t, 20, 3, func(t *testing.T, c *cluster) {
		a := c.at(0)
		wait(3 * time.Second)
		b := c.at(1)
		wait(5 * time.Second)
		if n := b.count(func(st *stanza.Element) bool {
			x := st.Child("http://jabber.org/protocol/muc#user", "x")
			return st.Attr("from") == testRoom+"/"+string(b.id) && x != nil && x.Child("http://jabber.org/protocol/muc#user", "item").Attr("role") == "moderator"
		}); n != 0 {
			t.Errorf("it was told %d times that it moderates", n)
		}
		first := ""
		b.count(func(st *stanza.Element) bool {
			if from := st.Attr("from"); first == "" && st.Local == "presence" && from != testFocus {
				first = from
			}
			return false
		})
		if first != testRoom+"/"+string(a.id) {
			t.Errorf("the first that it sees is %s", first)
		}
	})
}
