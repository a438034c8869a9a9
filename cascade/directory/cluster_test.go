package directory

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

var start = time.Unix(1_785_000_000, 0)

// cluster is some nodes and a network between them, in a time of their own.
type cluster struct {
	t        *testing.T
	rng      *rand.Rand
	now      time.Time
	nodes    map[identity.Name]*node
	events   []event
	count    int
	loss     float64
	ordered  bool // what a node sends to another arrives in order
	relinks  bool // a node learns that a link is new
	arrivals map[[2]identity.Name]time.Time
}

type event struct {
	at    time.Time
	count int
	do    func()
}

// node is up while client is set.
type node struct {
	name    identity.Name
	client  *Client
	service *Service
	life    int
	held    map[string]uint64
	peers   map[string][]identity.Name
	asked   map[string]time.Time
	claimed map[string]Claimed
}

func newCluster(t *testing.T, seed uint64, size int) *cluster {
	c := &cluster{t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: start, nodes: map[identity.Name]*node{}, arrivals: map[[2]identity.Name]time.Time{}}
	for i := range size {
		n := &node{name: nodeName(i)}
		c.nodes[n.name] = n
		c.boot(n)
	}
	c.agree()
	return c
}

func nodeName(i int) identity.Name { return identity.Name(fmt.Sprintf("node%caaaaa", 'a'+i)) }

func (c *cluster) names() []identity.Name { return slices.Sorted(maps.Keys(c.nodes)) }

func (c *cluster) up() (out []identity.Name) {
	for _, name := range c.names() {
		if c.nodes[name].client != nil {
			out = append(out, name)
		}
	}
	return out
}

func (c *cluster) boot(n *node) {
	n.client, n.service = NewClient(n.name), NewService()
	n.life++
	n.held, n.peers = map[string]uint64{}, map[string][]identity.Name{}
	n.asked, n.claimed = map[string]time.Time{}, map[string]Claimed{}
}

func (c *cluster) crash(n *node) { n.client, n.service = nil, nil }

// agree gives all the true view at once.
func (c *cluster) agree() {
	up := c.up()
	for _, name := range up {
		c.view(c.nodes[name], up)
	}
}

func (c *cluster) view(n *node, up []identity.Name) {
	c.carry(n, n.service.SetLive(c.now, up))
	c.carry(n, n.client.SetLive(c.now, up))
}

// spread lets every node see the present members at a time of its own.
func (c *cluster) spread() {
	up := c.up()
	for _, name := range up {
		n, life := c.nodes[name], c.nodes[name].life
		c.after(time.Duration(c.rng.IntN(5000))*time.Millisecond, func() {
			if n.client != nil && n.life == life {
				c.view(n, up)
			}
		})
	}
}

func (c *cluster) after(d time.Duration, do func()) {
	c.count++
	c.events = append(c.events, event{c.now.Add(d), c.count, do})
}

// carry carries out the effects of a call to a node.
func (c *cluster) carry(n *node, effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case Send:
			c.send(n, e)
		case HoldersChanged:
			if slices.Equal(n.peers[e.Room], e.Nodes) {
				c.t.Errorf("%s is told the same holders of %s twice: %v", n.name, e.Room, e.Nodes)
			}
			n.peers[e.Room] = e.Nodes
		case Claimed:
			since, ok := n.asked[e.Room]
			if !ok {
				c.t.Errorf("%s is told of a claim that it did not make: %+v", n.name, e)
			}
			if took := c.now.Sub(since); took > claimTime {
				c.t.Errorf("a claim took %v", took)
			}
			delete(n.asked, e.Room)
			n.claimed[e.Room] = e
		}
	}
}

func (c *cluster) send(n *node, s Send) {
	if err := wire.Valid(s.Frame); err != nil {
		c.t.Errorf("%s sends what nobody would read: %v", n.name, err)
	}
	to := c.nodes[s.To]
	if s.To != n.name && (c.rng.Float64() < c.loss || to.client == nil) {
		return
	}
	d := time.Duration(0)
	if s.To != n.name {
		d = time.Duration(1+c.rng.IntN(120)) * time.Millisecond
	}
	if c.ordered {
		way := [2]identity.Name{n.name, s.To}
		at := c.now.Add(d)
		if last := c.arrivals[way]; at.Before(last) {
			at = last
		}
		c.arrivals[way] = at
		d = at.Sub(c.now)
	}
	life := to.life
	c.after(d, func() {
		if to.client == nil || to.life != life {
			return
		}
		var effects []Effect
		var err error
		switch s.Frame.(type) {
		case wire.ClaimAnswer, wire.Holders:
			effects, err = to.client.Handle(c.now, n.name, s.Frame)
		default:
			effects, err = to.service.Handle(c.now, n.name, s.Frame)
		}
		if err != nil {
			c.t.Errorf("%s refuses what %s sent: %v", to.name, n.name, err)
		}
		c.carry(to, effects)
	})
}

// run lets so much time pass.
func (c *cluster) run(d time.Duration) {
	end := c.now.Add(d)
	for {
		next, at := -1, end
		for i, e := range c.events {
			if e.at.Before(at) || e.at.Equal(at) && (next < 0 || e.count < c.events[next].count) {
				next, at = i, e.at
			}
		}
		var ticked *node
		for _, name := range c.up() {
			n := c.nodes[name]
			for _, t := range []time.Time{n.client.Next(), n.service.Next()} {
				if !t.IsZero() && t.Before(at) {
					ticked, at = n, t
				}
			}
		}
		switch {
		case ticked != nil:
			c.now = later(c.now, at)
			c.carry(ticked, ticked.client.Tick(c.now))
			c.carry(ticked, ticked.service.Tick(c.now))
		case next >= 0:
			e := c.events[next]
			c.events = slices.Delete(c.events, next, next+1)
			c.now = later(c.now, e.at)
			e.do()
		default:
			c.now = end
			return
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// chaos does something at random.
func (c *cluster) chaos(rooms []string) {
	n := c.nodes[c.names()[c.rng.IntN(len(c.nodes))]]
	room := rooms[c.rng.IntN(len(rooms))]
	if n.client == nil {
		if c.rng.IntN(3) == 0 {
			c.boot(n)
			c.view(n, c.up())
			c.spread()
			if c.relinks {
				for _, name := range c.up() {
					c.carry(c.nodes[name], c.nodes[name].client.LinkUp(c.now, n.name))
				}
			}
		}
		return
	}
	switch x := c.rng.IntN(20); {
	case x < 6:
		c.hold(n, room)
	case x < 10:
		c.drop(n, room)
	case x < 14:
		c.claim(n, room)
	case x < 17:
		c.carry(n, n.client.Update(c.now, room, fmt.Append(nil, "header", c.rng.IntN(1000))))
	case x < 18:
		c.crash(n)
		c.spread()
	case x < 19:
		c.crash(n) // and nobody notices
		c.boot(n)
		c.view(n, c.up())
	default:
		c.spread()
	}
}

func (c *cluster) hold(n *node, room string) {
	c.count++
	n.held[room] = uint64(c.now.UnixMicro())<<16 + uint64(c.count)
	c.carry(n, n.client.Hold(c.now, room, n.held[room], []byte("first")))
}

func (c *cluster) drop(n *node, room string) {
	delete(n.held, room)
	delete(n.peers, room)
	c.carry(n, n.client.Drop(c.now, room))
}

func (c *cluster) claim(n *node, room string) {
	if _, ok := n.asked[room]; !ok {
		n.asked[room] = c.now
	}
	c.carry(n, n.client.Claim(c.now, room))
}

// holders are the nodes that truly hold a room.
func (c *cluster) holders(room string) (out []identity.Name) {
	for _, name := range c.up() {
		if _, ok := c.nodes[name].held[room]; ok {
			out = append(out, name)
		}
	}
	return out
}

func without(names []identity.Name, one identity.Name) (out []identity.Name) {
	for _, n := range names {
		if n != one {
			out = append(out, n)
		}
	}
	return out
}

// TestCluster lets clusters live through anything, and then leaves them alone.
func TestCluster(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 50
	}
	for seed := range seeds {
		live(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func live(t *testing.T, seed uint64) {
	c := newCluster(t, seed, 2+int(seed%6))
	c.loss = []float64{0, 0.1, 0.4}[seed%3]
	c.ordered, c.relinks = seed%2 == 0, seed%5 < 3
	rooms := []string{"a", "b", "c"}
	for range 200 {
		c.chaos(rooms)
		c.run(time.Duration(c.rng.IntN(600)) * time.Millisecond)
	}

	// Quiet: the network is well, all see who is there, and no more of what was seen differently is under way.
	c.loss = 0
	c.run(5 * time.Second)
	c.agree()
	for _, room := range rooms {
		for _, name := range c.holders(room) {
			c.carry(c.nodes[name], c.nodes[name].client.Update(c.now, room, []byte("header of "+room)))
		}
	}
	c.run(12 * time.Second)
	for _, room := range rooms {
		holders := c.holders(room)
		for _, name := range holders {
			for _, other := range without(holders, name) {
				if !slices.Contains(c.nodes[name].peers[room], other) {
					t.Errorf("%s does not know that %s holds room %s, but %v", name, other, room, c.nodes[name].peers[room])
				}
			}
		}
	}

	// What nobody refreshed is forgotten.
	c.run(2*ttl + time.Second)
	for _, room := range rooms {
		holders := c.holders(room)
		for _, name := range holders {
			if diff := cmp.Diff(without(holders, name), c.nodes[name].peers[room]); diff != "" {
				t.Errorf("holders of room %s as %s knows them: %s", room, name, diff)
			}
		}
		for _, name := range c.up() {
			c.claim(c.nodes[name], room)
		}
	}
	c.run(time.Second)
	for _, room := range rooms {
		holders := c.holders(room)
		for _, name := range c.up() {
			want := Claimed{Room: room, Known: len(holders) > 0, Holders: without(holders, name)}
			if want.Known {
				want.Header = []byte("header of " + room)
			}
			if len(c.up()) == 1 {
				want = Claimed{Room: room}
			}
			if diff := cmp.Diff(want, c.nodes[name].claimed[room]); diff != "" {
				t.Errorf("%s claims room %s: %s", name, room, diff)
			}
		}
	}

	// Nothing is left of rooms that nobody holds, also when some who held them died.
	for i, name := range c.up() {
		if i == 0 && len(c.up()) > 2 {
			c.crash(c.nodes[name])
			continue
		}
		for _, room := range rooms {
			c.drop(c.nodes[name], room)
		}
	}
	c.run(ttl + time.Second)
	for _, name := range c.up() {
		n := c.nodes[name]
		if s := n.service; len(s.rooms) != 0 || len(s.leases) != 0 || s.headers != 0 || len(s.agenda.list) != 0 || s.Rooms() != 0 {
			t.Errorf("left at the service of %s: %d rooms, %d holders, %d bytes, %d deadlines", name, len(s.rooms), len(s.leases), s.headers, len(s.agenda.list))
		}
		if cl := n.client; len(cl.rooms) != 0 || len(cl.claims) != 0 || len(cl.agenda.list) != 0 || len(cl.Servers()) != 0 {
			t.Errorf("left at the client of %s: %d rooms, %d claims, %d deadlines", name, len(cl.rooms), len(cl.claims), len(cl.agenda.list))
		}
		if len(n.asked) != 0 {
			t.Errorf("claims of %s without an end: %v", name, n.asked)
		}
	}
}
