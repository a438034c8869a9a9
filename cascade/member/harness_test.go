package member

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// wan is a link across a continent.
var wan = simnet.Link{Delay: 40 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.005}

// world is a network with the nodes of one cluster.
type world struct {
	t      *testing.T
	net    *simnet.Network
	secret identity.Secret
	nodes  []*node
}

// node is one node, which may be started several times.
type node struct {
	world  *world
	host   *simnet.Host
	key    identity.Key
	folder *folder
	lines  *lines
	list   *List

	mu   sync.Mutex
	told []Member
}

// in runs f in a bubble. What memberlist has under way when everything is closed is waited for, and everything must have
// ended then: the bubble sees to it.
func in(t *testing.T, seed uint64, f func(w *world)) {
	t.Helper()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(seed)
		n.SetDefault(wan)
		w := &world{t: t, net: n, secret: identity.NewSecret()}
		defer func() {
			for _, one := range w.nodes {
				one.stop()
			}
			n.Close()
			time.Sleep(10 * time.Second)
		}()
		f(w)
	})
}

// add makes a node at 10.0.<n>.1 that joins what is given.
func (w *world) add(join ...string) *node {
	n := w.prepare(fmt.Sprintf("10.0.%d.1", len(w.nodes)+1))
	n.start(func(c *Config) { c.Join = join })
	return n
}

func (w *world) prepare(address string) *node {
	n := &node{
		world: w, host: w.net.Host(address), key: identity.NewKey(), folder: &folder{files: map[string][]byte{}}, lines: &lines{},
	}
	w.nodes = append(w.nodes, n)
	return n
}

func (n *node) start(change func(*Config)) {
	n.world.t.Helper()
	n.mu.Lock()
	n.told = nil
	n.mu.Unlock()
	list, err := Start(n.config(change))
	if err != nil {
		n.world.t.Fatal(err)
	}
	n.list = list
}

func (n *node) config(change func(*Config)) Config {
	c := Config{
		Network: simnet.Sockets{Host: n.host}, Bind: ":7946", Key: n.key, Secret: n.world.secret,
		Self:   Meta{Region: "eu", Build: "test", Oldest: 1, Newest: 2, Link: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:7947")}},
		Folder: n.folder, Resolver: noNames{}, Log: slog.New(slog.NewTextHandler(n.lines, nil)),
		Changed: func(all []Member) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.told = all
		},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func (n *node) name() identity.Name { return n.key.Name() }

func (n *node) address() string { return n.host.Addr().String() }

// stop ends the node without a word to the others.
func (n *node) stop() {
	if n.list == nil {
		return
	}
	if err := n.list.Close(); err != nil {
		n.world.t.Errorf("close: %v", err)
	}
	n.list = nil
}

// crash takes the node's power, and gives its address a new host.
func (n *node) crash() {
	n.host.Close()
	n.stop()
}

// sees returns who is in a state for the node, as it was told by Changed.
func (n *node) sees(state State) []identity.Name {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []identity.Name
	for _, m := range n.told {
		if m.State == state {
			all = append(all, m.Name)
		}
	}
	return all
}

// member returns what the node knows of another.
func (n *node) member(name identity.Name) (Member, bool) {
	all := n.list.Members()
	i, ok := slices.BinarySearchFunc(all, Member{Name: name}, byName)
	if !ok {
		return Member{}, false
	}
	return all[i], true
}

// names returns the names of nodes, sorted.
func names(nodes ...*node) []identity.Name {
	var all []identity.Name
	for _, n := range nodes {
		all = append(all, n.name())
	}
	slices.Sort(all)
	return all
}

// within waits until what is asked for holds, and returns how long that took.
func (w *world) within(d time.Duration, what string, holds func() bool) time.Duration {
	w.t.Helper()
	start := time.Now()
	for ; time.Since(start) <= d; time.Sleep(10 * time.Millisecond) {
		if holds() {
			took := time.Since(start)
			w.t.Logf("%s: %v", what, took)
			return took
		}
	}
	for _, n := range w.nodes {
		if n.list != nil {
			all := n.lines.with("")
			w.t.Logf("%s at %s: %d alive, left %v, dead %v\n%s", n.name(), n.address(), len(n.sees(Alive)), n.sees(Left), n.sees(Dead), all[max(len(all)-5, 0):])
		}
	}
	w.t.Fatalf("%s: not within %v", what, d)
	return 0
}

// one reports whether every node sees exactly these alive.
func one(nodes ...*node) func() bool {
	want := names(nodes...)
	return func() bool {
		return !slices.ContainsFunc(nodes, func(n *node) bool { return !slices.Equal(n.sees(Alive), want) })
	}
}

// cluster starts nodes that all join the first, and waits until they see each other.
func (w *world) cluster(size int) []*node {
	w.t.Helper()
	first := w.add()
	for range size - 1 {
		w.add(first.address())
	}
	w.within(10*time.Second, fmt.Sprintf("%d nodes are one cluster", size), one(w.nodes...))
	return w.nodes
}

func sites(nodes []*node) []simnet.Site {
	var all []simnet.Site
	for _, n := range nodes {
		all = append(all, n.host)
	}
	return all
}

// folder is a data folder in memory.
type folder struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (f *folder) Read(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b, ok := f.files[name]; ok {
		return b, nil
	}
	return nil, fs.ErrNotExist
}

func (f *folder) Write(name string, contents []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[name] = bytes.Clone(contents)
	return nil
}

// lines is a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// with returns the lines that contain all of the texts.
func (l *lines) with(texts ...string) []string {
	var found []string
	for line := range strings.Lines(l.String()) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			found = append(found, line)
		}
	}
	return found
}

// noNames is a resolver that knows no names.
type noNames struct{}

func (noNames) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (noNames) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// many is how many nodes a large cluster has; with the race detector (-short) it is a smaller one.
func many() int {
	if testing.Short() {
		return 10
	}
	return 36
}
