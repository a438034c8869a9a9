package mesh

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/directory"
	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// quietRoom is a room that only remembers who else holds it.
type quietRoom struct {
	claimed chan struct{}

	mu      sync.Mutex
	holders []identity.Name
}

func newQuietRoom() *quietRoom { return &quietRoom{claimed: make(chan struct{}, 1)} }

func (r *quietRoom) Claimed(bool, []byte) { r.claimed <- struct{}{} }

func (r *quietRoom) Holders(nodes []identity.Name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holders = nodes
}

func (r *quietRoom) others() []identity.Name {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.holders
}

func (*quietRoom) Reachable([]identity.Name)       {}
func (*quietRoom) Linked(identity.Name)            {}
func (*quietRoom) Unlinked(identity.Name)          {}
func (*quietRoom) Frame(identity.Name, wire.Frame) {}

// patience is how long something may take when others have the machine.
const patience = 4 * time.Minute

// within waits until ok, and fails the test when it takes longer.
func within(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > d {
			t.Fatalf("%s: not within %v", what, d)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%s after %v", what, time.Since(start).Round(time.Millisecond))
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestFiftyNodes is a cluster on real sockets: it forms in time, rooms find all their nodes, and only those are linked that have
// business with each other.
func TestFiftyNodes(t *testing.T) {
	nodes, rooms := 50, 20
	if underRace {
		nodes, rooms = 12, 5
	}
	loopback := netip.MustParseAddr("127.0.0.1")
	secret := identity.NewSecret()
	began, late := time.Now(), lateness(t)
	var all []*Mesh
	defer func() {
		var closing sync.WaitGroup
		for _, m := range all {
			closing.Go(func() {
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		closing.Wait()
	}()
	var join []string
	for range nodes {
		m, err := Start(Config{
			Network: member.Sockets{}, Host: loopback.String(), Key: identity.NewKey(), Secret: secret, Region: "r",
			Advertise: []netip.Addr{loopback}, Join: join, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
		join = []string{all[0].Addr().String()}
	}
	names := make([]identity.Name, nodes)
	for i, m := range all {
		names[i] = m.Name()
	}
	t.Logf("%d nodes started in %v", nodes, time.Since(began).Round(time.Millisecond))
	within(t, patience, "one cluster", func() bool {
		return !slices.ContainsFunc(all, func(m *Mesh) bool { return alive(m) != nodes })
	})
	took, lost := time.Since(began), late()
	t.Logf("one cluster %v after the first began, of which the machine took %v", took.Round(time.Millisecond), lost.Round(time.Millisecond))
	if took-lost > 5*time.Second && lost < time.Second { // the bar is that of a quiet machine
		t.Errorf("one cluster after %v, want 5 s", took-lost)
	}

	random := rand.New(rand.NewPCG(1, 2))
	holders := make(map[string][]int)
	held := make(map[string][]*quietRoom)
	for k := range rooms {
		name := fmt.Sprint("room ", k)
		holders[name] = random.Perm(nodes)[:2+random.IntN(3)]
		for _, i := range holders[name] {
			r := newQuietRoom()
			held[name] = append(held[name], r)
			all[i].Enter(name, r)
			<-r.claimed
			all[i].Hold(name, 1, nil)
			defer all[i].Leave(name, r)
		}
	}
	within(t, patience, "every room knows its nodes", func() bool {
		for name, rs := range held {
			for _, r := range rs {
				if len(r.others()) != len(holders[name])-1 {
					return false
				}
			}
		}
		return true
	})

	business := make(map[[2]identity.Name]bool) // share a room, or one keeps its directory
	for name, at := range holders {
		parties := make([]identity.Name, 0, 3+len(at))
		parties = append(parties, directory.Rank(name, names)[:3]...)
		for _, i := range at {
			parties = append(parties, names[i])
		}
		for _, a := range parties {
			for _, b := range parties {
				business[[2]identity.Name{a, b}] = true
			}
		}
	}
	links := 0
	within(t, patience, "only those are linked that have business with each other", func() bool {
		links = 0
		for _, m := range all {
			for _, l := range m.Links() {
				if l.Control {
					links++
					if !business[[2]identity.Name{m.Name(), l.Name}] {
						return false // a link ends some seconds after nobody wants it any more
					}
				}
			}
		}
		return links > 0
	})
	t.Logf("%d links of %d possible", links/2, nodes*(nodes-1)/2)
	before := cpu()
	time.Sleep(5 * time.Second)
	t.Logf("idle: %.2f %% of a core per node", 100*(cpu()-before).Seconds()/5/float64(nodes))
}

func alive(m *Mesh) int {
	n := 0
	for _, one := range m.Members() {
		if one.State == member.Alive {
			n++
		}
	}
	return n
}

// lateness returns how much later than it wanted a goroutine that sleeps again and again was woken: the time that others had the
// machine.
func lateness(t *testing.T) func() time.Duration {
	const nap = 10 * time.Millisecond
	var lost atomic.Int64
	stop := make(chan struct{})
	var sleeper sync.WaitGroup
	sleeper.Go(func() {
		for {
			before := time.Now()
			select {
			case <-stop:
				return
			case <-time.After(nap):
			}
			if over := time.Since(before) - nap; over > nap {
				lost.Add(int64(over))
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		sleeper.Wait()
	})
	return func() time.Duration { return time.Duration(lost.Load()) }
}
