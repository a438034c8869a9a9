package conference

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// TestClusterLife is five minutes (two under the race detector) of ten nodes with real gossip and QUIC: people come, leave and talk, nodes die and come
// back with an empty memory, the network falls apart and heals. When all is quiet everybody sees everybody who is there and
// nobody else, exactly one moderates, and everybody is heard.
func TestClusterLife(t *testing.T) {
	seeds, seconds := []uint64{1, 2, 3}, 270
	if underRace {
		seeds, seconds = seeds[:1], 80
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { clusterLife(t, seed, seconds) })
	}
}

func clusterLife(t *testing.T, seed uint64, seconds int) {
	inCluster(t, seed, 10, func(t *testing.T, c *cluster) {
		random := rand.New(rand.NewPCG(seed, 0))
		var here []*client
		where := make(map[*client]*clusterNode)
		came := func(n *clusterNode) {
			cl := n.client()
			cl.join()
			here = append(here, cl)
			where[cl] = n
		}
		healAt := 0
		for second := range seconds {
			if second == healAt {
				c.net.Heal()
			}
			living := slices.DeleteFunc(slices.Clone(c.nodes), func(n *clusterNode) bool { return n.dead })
			n := living[random.IntN(len(living))]
			switch roll := random.IntN(100); {
			case roll < 12 && len(here) < 15:
				came(n)
			case roll < 18 && len(here) > 4:
				i := random.IntN(len(here))
				where[here[i]].router.Closed(here[i], random.IntN(2) == 0)
				here = slices.Delete(here, i, i+1)
			case roll < 22 && len(living) > 7:
				c.kill(n)
				here = slices.DeleteFunc(here, func(cl *client) bool { return where[cl] == n })
			case roll < 26 && len(living) < 10:
				c.rise(random)
			case roll < 28 && second > healAt:
				k := 1 + random.IntN(len(living)-1)
				random.Shuffle(len(living), func(i, j int) { living[i], living[j] = living[j], living[i] })
				c.net.Partition(sites(living[:k]), sites(living[k:]))
				healAt = second + 5 + random.IntN(40)
			case roll < 60 && len(here) > 0:
				here[random.IntN(len(here))].chat(fmt.Sprint("at ", second))
			}
			wait(time.Second)
		}
		c.net.Heal()
		wait(40 * time.Second)
		moderators := 0
		for _, x := range here {
			for _, y := range here {
				if !x.sees(y) {
					t.Errorf("%s at %s does not see %s at %s", x.id, where[x].mesh.Name(), y.id, where[y].mesh.Name())
				}
			}
			if seen := x.everybody(); len(seen) != len(here) {
				t.Errorf("%s sees %d, there are %d", x.id, len(seen), len(here))
			}
			if here[0].role(x) == "moderator" {
				moderators++
			}
		}
		if moderators != 1 {
			t.Errorf("%d moderators", moderators)
		}
		if len(here) < 2 {
			return
		}
		got := talk(time.Second, here...)
		for _, x := range here {
			for _, y := range here {
				if x != y && (got[x][y] < 45 || got[x][y] > 50) { // some are on their way
					t.Errorf("%s at %s heard %d of 50 packets of %s at %s", x.id, where[x].mesh.Name(), got[x][y], y.id, where[y].mesh.Name())
				}
			}
		}
		here[0].chat("the end")
		wait(2 * time.Second)
		for _, x := range here {
			if x.chats("the end") != 1 {
				t.Errorf("%s read it %d times", x.id, x.chats("the end"))
			}
		}
	})
}

// rise starts a dead node again: on the same machine, with its key or with a new one.
func (c *cluster) rise(random *rand.Rand) {
	dead := slices.IndexFunc(c.nodes, func(n *clusterNode) bool { return n.dead })
	if dead < 0 {
		return
	}
	old := c.nodes[dead]
	c.nodes = slices.Delete(c.nodes, dead, dead+1)
	n := &clusterNode{host: old.host, key: old.key}
	n.host.Open()
	if random.IntN(2) == 0 {
		n.key = identity.NewKey()
	}
	c.start(n)
}

// everybody returns whom the client sees, itself included.
func (c *client) everybody() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := make(map[string]bool)
	for _, st := range c.got {
		from := st.Attr("from")
		if st.Local != "presence" || st.Attr("type") == "error" || from == testFocus {
			continue
		}
		if st.Attr("type") == "" {
			seen[from] = true
		} else {
			delete(seen, from)
		}
	}
	return seen
}
