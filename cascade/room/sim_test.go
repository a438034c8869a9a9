package room

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const simSteps = 300

// simulate plays one seed and returns what went wrong.
func simulate(seed uint64, f flaw) *world {
	w := newWorld(seed, f)
	for range simSteps {
		if w.step(); len(w.trouble) > 0 {
			return w
		}
	}
	w.twins()
	clear(w.cut)
	w.ways()
	w.run(20 * time.Second)
	w.converged()
	w.end()
	return w
}

// converged holds all nodes against each other and against who is there.
func (w *world) converged() {
	if len(w.trouble) > 0 {
		return
	}
	var first *node
	truth := map[EndpointID]*node{}
	for _, n := range w.nodes {
		for id := range n.clients {
			truth[id] = n
		}
		if n.room != nil && first == nil {
			first = n
		}
	}
	for _, n := range w.nodes {
		if n.room == nil {
			continue
		}
		members := n.room.Occupants()
		if len(members) != len(truth) {
			w.fail("%s: shows %d, there are %d", n.name, len(members), len(truth))
		}
		for _, m := range members {
			at := truth[m.Endpoint]
			if at == nil || at.name != m.Node {
				w.fail("%s: shows %s at %s, it is at %v", n.name, m.Endpoint, m.Node, at)
			} else if c := at.clients[m.Endpoint]; c.joined != m.Joined || c.epoch != m.Epoch {
				w.fail("%s: shows another occupancy of %s", n.name, m.Endpoint)
			} else if own := at.room.own.occupants[m.Endpoint]; !own.looks(m.Occupant) {
				w.fail("%s: shows %s otherwise than it is: %s", n.name, m.Endpoint, cmp.Diff(own, m.Occupant))
			}
		}
		w.compare(first, n)
		w.admitted(n)
	}
}

func (w *world) compare(a, b *node) {
	if d := cmp.Diff(a.room.Values(), b.room.Values()); d != "" {
		w.fail("headers of %s and %s: %s", a.name, b.name, d)
	}
	if d := cmp.Diff(a.room.Snapshot(), b.room.Snapshot()); d != "" {
		w.fail("registers of %s and %s: %s", a.name, b.name, d)
	}
	if a.room.Sequencer() != b.room.Sequencer() {
		w.fail("sequencer of %s is %s, of %s %s", a.name, a.room.Sequencer(), b.name, b.room.Sequencer())
	}
	if s := w.node(b.room.Sequencer()); s == nil || s.room == nil {
		w.fail("sequencer %q does not hold the room", b.room.Sequencer())
	}
	x, y := a.moderates(), b.moderates()
	owner := false
	for _, m := range b.room.Occupants() {
		owner = owner || b.room.Value(FieldAffiliation+m.JID) == "owner"
	}
	if x != y || owner != (y == "") {
		w.fail("moderator of %s is %q, of %s %q; an owner is there: %v", a.name, x, b.name, y, owner)
	}
	for key, registers := range b.room.header.registers {
		want, got := w.registers(b.room.header.context, key), map[Dot]string{}
		for _, g := range registers {
			got[g.Dot] = g.Value
		}
		if d := cmp.Diff(want, got); d != "" {
			w.fail("%s: registers of %s: %s", b.name, key, d)
		}
	}
	for _, c := range w.commits {
		for _, write := range c.Writes {
			if b.room.header.registers[write.Key] == nil && len(w.registers(b.room.header.context, write.Key)) > 0 {
				w.fail("%s: field %s is lost", b.name, write.Key)
			}
		}
	}
}

// admitted looks for people who would not be in if everybody had known of the locks.
func (w *world) admitted(n *node) {
	for _, key := range []string{FieldPassword, FieldMembersOnly} {
		for _, g := range n.room.header.registers[key] {
			l := w.locks[g.Dot]
			if l == nil {
				continue
			}
			for id, c := range n.clients {
				if !l.admits(c, occupancy{id, c.joined}) {
					w.fail("%s: %s is in without having passed %s=%s (moved %v, joined %v, first %v, written by %s, stays %v, shards %v)", n.name, id, g.Key, g.Value, c.moved, c.joined, l.first, g.Dot.Term.Node, n.room.own.occupants[id].since, g.Shards)
				}
			}
		}
	}
	for _, m := range n.room.Occupants() {
		if kick, ok := n.room.kicked(m.Occupant); ok {
			w.fail("%s: %s was kicked by %s and is there", n.name, m.Endpoint, kick.Actor)
		}
	}
}

// end lets everybody go, and looks what stays behind.
func (w *world) end() {
	if len(w.trouble) > 0 {
		return
	}
	w.hold = true
	for _, n := range w.nodes {
		for id := range n.clients {
			n.remove(Removal{Endpoint: id, Cause: ByItself})
		}
	}
	w.run(20 * time.Second)
	for _, n := range w.nodes {
		if n.room == nil {
			continue
		}
		r := n.room
		if len(r.seats)+len(r.stays)+len(r.own.occupants)+len(r.own.moving)+r.own.bytes > 0 {
			w.fail("%s: %d seats, %d stays, %d occupants, %d moving, %d bytes stay behind", n.name, len(r.seats), len(r.stays), len(r.own.occupants), len(r.own.moving), r.own.bytes)
		}
		for _, p := range r.peers {
			if len(p.shard.occupants)+len(p.shard.moving)+p.shard.bytes+len(p.snapshot.occupants)+len(p.state.registers) > 0 || p.owes() {
				w.fail("%s: of %s %d occupants, %d moving, %d bytes stay behind", n.name, p.name, len(p.shard.occupants), len(p.shard.moving), p.shard.bytes)
			}
		}
		if len(r.peers) > len(w.nodes)+1 || len(r.knew) > len(w.nodes)+1 {
			w.fail("%s: %d peers, %d known", n.name, len(r.peers), len(r.knew))
		}
	}
}

func (n *node) String() string { return string(n.name) }

// TestSimulation plays random meetings. ATOLL_SEEDS says how many, ATOLL_SEED plays one.
func TestSimulation(t *testing.T) {
	if s := os.Getenv("ATOLL_SEED"); s != "" {
		seed, _ := strconv.ParseUint(s, 10, 64)
		for _, line := range simulate(seed, sound).trouble {
			t.Error(line)
		}
		return
	}
	seeds := 300
	if testing.Short() {
		seeds = 20
	}
	if s := os.Getenv("ATOLL_SEEDS"); s != "" {
		seeds, _ = strconv.Atoi(s)
	}
	stats := map[string]int{}
	var mu sync.Mutex
	var next, failed atomic.Int64
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for failed.Load() < 3 {
				seed := uint64(next.Add(1) - 1)
				if seed >= uint64(seeds) {
					return
				}
				w := simulate(seed, sound)
				mu.Lock()
				for k, v := range w.stats {
					stats[k] += v
				}
				if len(w.trouble) > 0 {
					failed.Add(1)
					t.Errorf("ATOLL_SEED=%d:", seed)
					for _, line := range w.trouble {
						t.Error(line)
					}
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	t.Log(seeds, "seeds:", fmt.Sprint(stats))
}

// TestFlaws sees that the simulation finds mistakes.
func TestFlaws(t *testing.T) {
	for name, f := range map[string]flaw{
		"incarnations are dropped":     dropIncarnation,
		"terms are not fenced":         dropFencing,
		"ties are not broken":          dropTieBreak,
		"who vanishes, vanishes twice": vanishTwice,
		"nobody is admitted again":     skipReadmission,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(300) {
				if w := simulate(seed, f); len(w.trouble) > 0 {
					t.Logf("seed %d: %s", seed, w.trouble[0])
					return
				}
			}
			t.Error("nobody noticed in 300 seeds")
		})
	}
}
