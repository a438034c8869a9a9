//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/emulator"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// Lab is a running network with what runs on it. Its methods may be called from several goroutines.
type Lab struct {
	claim    *claim
	regions  map[string]*built
	emulator *emulator.Emulator

	writing sync.Mutex // of picture files

	mu        sync.Mutex
	processes []*Process
	browsers  []*Browser
	started   int
	closed    bool
}

// built is one region's namespaces.
type built struct {
	router, nat, natClient *Namespace
	nodes, clients         []*Namespace
}

// T is the part of testing.TB that a lab uses.
type T interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Name() string
}

// New opens a lab that is closed at the end of the test. It fails the test when it cannot. When the test has failed by
// then, the ends of all logs and of the browsers' consoles are logged, and if ATOLL_LAB_ARTIFACTS names a folder,
// screenshots and whole logs are kept there.
func New(t T, topology Topology) *Lab {
	t.Helper()
	l, err := Open(topology)
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	t.Cleanup(func() {
		if t.Failed() {
			l.tell(t)
		}
		if err := l.Close(); err != nil {
			t.Fatalf("close lab: %v", err)
		}
	})
	return l
}

// Open removes stale labs and makes a new one. Close must follow.
func Open(topology Topology) (*Lab, error) {
	if err := topology.validate(); err != nil {
		return nil, fmt.Errorf("open lab: %w", err)
	}
	if _, err := Sweep(); err != nil {
		return nil, fmt.Errorf("open lab: %w", err)
	}
	c, err := newClaim()
	if err != nil {
		return nil, fmt.Errorf("open lab: %w", err)
	}
	l := &Lab{claim: c, regions: map[string]*built{}}
	takeShare(c.prefix)
	for k, r := range topology.Regions {
		if err := l.buildRegion(r, k+1); err != nil {
			return nil, fmt.Errorf("open lab: %w", errors.Join(err, l.Close()))
		}
	}
	if err := l.buildWAN(topology); err != nil {
		return nil, fmt.Errorf("open lab: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

func needRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("the network lab needs root: it makes network namespaces and TUN devices")
	}
	return nil
}

// Close ends everything that runs in the lab and removes everything it made. A second call does nothing.
func (l *Lab) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	processes, browsers := l.processes, l.browsers
	l.mu.Unlock()

	var closing sync.WaitGroup
	for _, b := range browsers {
		closing.Go(b.Close)
	}
	closing.Wait()
	for _, p := range processes {
		closing.Go(func() { _ = p.Stop(3 * time.Second) })
	}
	closing.Wait()
	errs := []error{removeNamespaces(l.claim.prefix)}
	if l.emulator != nil {
		errs = append(errs, l.emulator.Close())
	}
	errs = append(errs, leaveShare(l.claim.prefix), l.claim.release())
	return errors.Join(errs...)
}

// Prefix returns what the names of everything in this lab begin with.
func (l *Lab) Prefix() string { return l.claim.prefix }

// Folder makes a folder for what the test writes, and returns its path. It is gone with the lab.
func (l *Lab) Folder(name string) string {
	path := filepath.Join(l.claim.work, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		panic(fmt.Sprintf("lab lost its own folder: %v", err))
	}
	return path
}

// Node returns the first node namespace of a region. It panics when there is no such region, as do the others.
func (l *Lab) Node(region string) *Namespace { return l.Nodes(region)[0] }

// Nodes returns all node namespaces of a region.
func (l *Lab) Nodes(region string) []*Namespace { return l.region(region).nodes }

// Client returns the first client namespace of a region.
func (l *Lab) Client(region string) *Namespace { return l.Clients(region)[0] }

// Clients returns the client namespaces of a region that are not behind a NAT.
func (l *Lab) Clients(region string) []*Namespace { return l.region(region).clients }

// NATClient returns the client behind the NAT of a region, or nil when the region has none.
func (l *Lab) NATClient(region string) *Namespace { return l.region(region).natClient }

// Router returns the router of a region.
func (l *Lab) Router(region string) *Namespace { return l.region(region).router }

func (l *Lab) region(name string) *built {
	b := l.regions[name]
	if b == nil {
		panic(fmt.Sprintf("no region %q in the topology", name))
	}
	return b
}

// Change edits what the network does to packets from one region to another, from now on.
func (l *Lab) Change(from, to string, edit func(*wan.Impairment)) error {
	return l.emulator.Change(emulator.Direction{From: from, To: to}, edit)
}

// ChangeBoth edits both directions between two regions.
func (l *Lab) ChangeBoth(a, b string, edit func(*wan.Impairment)) error {
	return errors.Join(l.Change(a, b, edit), l.Change(b, a, edit))
}

// Partition cuts two regions from each other. Their delays and limits are kept for Heal.
func (l *Lab) Partition(a, b string) error {
	return l.ChangeBoth(a, b, func(i *wan.Impairment) { i.Down = true })
}

// Heal joins two regions again.
func (l *Lab) Heal(a, b string) error {
	return l.ChangeBoth(a, b, func(i *wan.Impairment) { i.Down = false })
}

// Network returns what every direction does and has done.
func (l *Lab) Network() map[emulator.Direction]emulator.State { return l.emulator.States() }
