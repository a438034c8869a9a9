package member

import (
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// TestRestartWithEmptyFolder restarts a node on its address with another name.
func TestRestartWithEmptyFolder(t *testing.T) {
	for _, size := range []int{2, 5, many()} {
		in(t, 1, func(w *world) {
			nodes := w.cluster(size)
			time.Sleep(30 * time.Second)
			n := nodes[1]
			old := n.name()
			n.stop()
			n.key, n.folder = identity.NewKey(), &folder{files: map[string][]byte{}}
			n.start(func(c *Config) { c.Join = []string{nodes[0].address()} })
			took := w.within(10*time.Second, "the new name is in, the old is out", func() bool {
				return one(nodes...)() && !slices.ContainsFunc(nodes, func(o *node) bool {
					return o != n && !slices.Equal(o.sees(Dead), []identity.Name{old})
				})
			})
			if size == 2 && took > 3*time.Second {
				t.Errorf("%v is what probes alone take", took)
			}
			time.Sleep(time.Minute)
			if !one(nodes...)() {
				t.Error("not so a minute later")
			}
		})
	}
}

func TestRestartWithTheSameName(t *testing.T) {
	for _, size := range []int{2, 5, many()} {
		in(t, 1, func(w *world) {
			nodes := w.cluster(size)
			time.Sleep(30 * time.Second)
			n := nodes[1]
			for range 5 {
				must(0, n.list.Update(Meta{Build: "of old"})) // so that its incarnation is ahead of a new one's
				time.Sleep(time.Second)
			}
			n.stop()
			time.Sleep(time.Second)
			n.start(func(c *Config) { c.Join, c.Self.Build = []string{nodes[0].address()}, "new" })
			restarted := time.Now().UnixMilli()
			w.within(10*time.Second, "the new one is in", func() bool {
				return one(nodes...)() && !slices.ContainsFunc(nodes, func(o *node) bool {
					m, _ := o.member(n.name())
					return m.Build != "new" || m.Started != uint64(restarted)
				})
			})
		})
	}
}

// TestChangedAddress moves a node to another machine with its data folder. The old address answers no more, or is another
// node's by now.
func TestChangedAddress(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		away time.Duration
		take bool
		seed bool
	}{
		"at once, 3":           {3, 0, false, true},
		"at once, many":        {many(), 0, false, true},
		"while it is suspect":  {10, 3 * time.Second, false, true},
		"when it counts dead":  {10, 40 * time.Second, false, true},
		"after long":           {5, time.Hour, false, true},
		"its address is taken": {5, 0, true, true},
		"without seeds":        {5, 0, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, 5, func(w *world) {
				nodes := w.cluster(c.size)
				time.Sleep(30 * time.Second)
				n, was := nodes[1], nodes[1].host
				for range 5 {
					must(0, n.list.Update(Meta{Build: "of old"}))
					time.Sleep(time.Second)
				}
				n.stop()
				n.host = w.net.Host("10.200.0.1")
				time.Sleep(c.away)
				if c.take {
					other := w.prepare("10.201.0.1")
					other.host = was
					other.start(func(c *Config) { c.Join = []string{nodes[0].address()} })
				}
				n.start(func(k *Config) {
					k.Self.Build = "new"
					if c.seed {
						k.Join = []string{nodes[0].address()}
					}
				})
				w.within(10*time.Second, "it is in with its new address", func() bool {
					return one(w.nodes...)() && !slices.ContainsFunc(nodes, func(o *node) bool {
						m, _ := o.member(n.name())
						return m.Addr != addrPort("10.200.0.1:7946") || m.Build != "new"
					})
				})
				for range 120 {
					time.Sleep(time.Second)
					if !one(w.nodes...)() {
						t.Fatal("it does not stay")
					}
				}
				for _, o := range w.nodes {
					if got := append(o.lines.with("refused"), o.lines.with("copy of this")...); len(got) > 0 {
						t.Errorf("%q", got)
					}
				}
			})
		})
	}
}

// TestClockWentBack restarts a node whose clock was half a minute ahead when it started before.
func TestClockWentBack(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(3)
		n := nodes[1]
		n.list.table.mu.Lock()
		future := n.list.table.own
		future.boot += 30_000
		must(0, n.list.table.stamp(future))
		n.list.table.mu.Unlock()
		poke(n.list.restamp)
		time.Sleep(10 * time.Second)
		n.stop()
		n.start(func(c *Config) { c.Join, c.Self.Build = []string{nodes[0].address()}, "new" })
		w.within(10*time.Second, "the new metadata is everywhere", func() bool {
			return !slices.ContainsFunc(nodes, func(o *node) bool {
				m, _ := o.member(n.name())
				return m.Build != "new" || m.State != Alive
			})
		})
	})
}

// TestCopiedKey runs two nodes with one key: the one that started last is the member, and both sides stay as they are.
func TestCopiedKey(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(3)
		time.Sleep(10 * time.Second)
		twin := w.prepare("10.99.0.1")
		twin.key = nodes[2].key
		twin.start(func(c *Config) { c.Join = []string{nodes[0].address()} })
		time.Sleep(20 * time.Second)
		for range 120 {
			time.Sleep(time.Second)
			for _, n := range nodes[:2] {
				if m, _ := n.member(twin.name()); m.Addr != twin.list.Addr() {
					t.Fatalf("the member is at %v", m.Addr)
				}
			}
			must(0, nodes[2].list.Update(Meta{Load: uint8(time.Now().Second())}))
		}
		if got := nodes[2].lines.with("copy of this node's key", "addr=10.99.0.1:7946"); len(got) < 1 || len(got) > 3 {
			t.Errorf("lines %q", got)
		}
	})
}

// TestAddressOfAnother has a member claim the address of another, which answers there: nobody believes it.
func TestAddressOfAnother(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(4)
		liar := w.prepare("10.66.6.6")
		liar.start(func(c *Config) {
			c.Join, c.Advertise = []string{nodes[0].address()}, nodes[1].list.Addr()
		})
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			for _, n := range nodes {
				if !slices.Equal(n.sees(Alive), names(nodes...)) {
					t.Fatalf("%s sees %v, not %v", n.name(), n.sees(Alive), names(nodes...))
				}
			}
		}
		// A newcomer hears of both at once and asks.
		late := w.add(nodes[0].address())
		w.within(5*time.Second, "the newcomer knows", func() bool { return slices.Equal(late.sees(Alive), names(append(nodes, late)...)) })
	})
}

var _ Network = simnet.Sockets{}
