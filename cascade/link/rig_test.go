package link

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

const port = 7947

// in runs f in a bubble with a network of nodes. Everything has ended when it returns, or the bubble complains.
func in(t *testing.T, nodes int, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, net: simnet.New(1), secret: identity.NewSecret()}
		defer r.net.Close()
		r.net.SetDefault(simnet.Link{Delay: 40 * time.Millisecond})
		keys := make([]identity.Key, nodes)
		for i := range keys {
			keys[i] = middling()
		}
		slices.SortFunc(keys, func(a, b identity.Key) int { return strings.Compare(string(a.Name()), string(b.Name())) })
		for i, key := range keys {
			n := &node{rig: r, key: key, secret: r.secret, addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), port)}
			n.host = r.net.Host(n.addr.Addr().String())
			r.nodes = append(r.nodes, n)
			n.start()
		}
		f(t, r)
		for _, n := range r.nodes {
			n.stop()
		}
	})
}

// middling returns a key whose name leaves room for others below and above.
func middling() identity.Key {
	for {
		if key := identity.NewKey(); key.Name()[0] > 'e' && key.Name()[0] < 'u' {
			return key
		}
	}
}

// rig is a network of nodes, by name.
type rig struct {
	t      *testing.T
	net    *simnet.Network
	secret identity.Secret
	nodes  []*node
}

// node is an endpoint and what it heard.
type node struct {
	rig    *rig
	key    identity.Key
	secret identity.Secret
	addr   netip.AddrPort
	host   *simnet.Host
	oldest uint16
	newest uint16
	e      *Endpoint

	mu     sync.Mutex
	log    bytes.Buffer
	events []string
	frames []wire.Frame
	media  []string
	up     map[identity.Name]int
	pause  time.Duration // in LinkUp
	mute   atomic.Bool   // sends no heartbeats
	on     func(peer identity.Name, f wire.Frame)
}

func (n *node) name() identity.Name { return n.key.Name() }

// Write takes the log.
func (n *node) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.log.Write(b)
}

func (n *node) start() {
	conn, err := n.host.ListenPacket("udp", fmt.Sprintf(":%d", port))
	if err != nil {
		n.rig.t.Fatal(err)
	}
	n.startOn(&filtered{conn, &n.mute})
}

// filtered is a socket that can leave out heartbeats.
type filtered struct {
	net.PacketConn
	mute *atomic.Bool
}

// WriteTo sends all but what is left out.
func (f *filtered) WriteTo(b []byte, to net.Addr) (int, error) {
	if f.mute.Load() && b[0] < firstQUIC {
		return len(b), nil
	}
	return f.PacketConn.WriteTo(b, to)
}

func (n *node) startOn(conn net.PacketConn) {
	hello := wire.Hello{Oldest: wire.OldestVersion, Newest: wire.Version, Name: n.name(), Region: "eu", Started: uint64(time.Now().UnixMilli())}
	if n.newest != 0 {
		hello.Oldest, hello.Newest = n.oldest, n.newest
	}
	var err error
	n.up = map[identity.Name]int{}
	n.e, err = Listen(Config{
		Conn: conn, Key: n.key, Secret: n.secret, Hello: hello, Handler: n,
		Log: slog.New(slog.NewTextHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		n.rig.t.Fatal(err)
	}
}

func (n *node) stop() {
	if n.e == nil {
		return
	}
	if err := n.e.Close(); err != nil {
		n.rig.t.Errorf("close: %v", err)
	}
	n.e = nil
}

// die takes the node off the network and ends it: nobody hears of it.
func (n *node) die() {
	n.rig.cut(n, true)
	_ = n.e.Close()
	n.e = nil
	synctest.Wait()
	n.rig.cut(n, false)
}

// restart has the node die and start again at the same address.
func (n *node) restart() {
	n.die()
	time.Sleep(time.Millisecond) // another start
	n.start()
}

// cut takes a node off the network, or back.
func (r *rig) cut(n *node, cut bool) {
	for _, o := range r.nodes {
		if o != n {
			r.cutPair(n, o, cut)
		}
	}
}

func (r *rig) cutPair(a, b *node, cut bool) {
	if cut {
		r.net.Cut(a.host, b.host)
		r.net.Cut(b.host, a.host)
		return
	}
	r.net.Mend(a.host, b.host)
	r.net.Mend(b.host, a.host)
}

// linked waits until the nodes have links among each other.
func (r *rig) linked(limit time.Duration, nodes ...*node) time.Duration {
	r.t.Helper()
	return within(r.t, limit, "links", func() bool {
		for i, a := range nodes {
			for _, b := range nodes[i+1:] {
				if !a.linked(b) || !b.linked(a) {
					return false
				}
			}
		}
		return true
	})
}

// knows makes the others its peers.
func (n *node) knows(link, media bool, others ...*node) {
	var all []Peer
	for _, o := range others {
		all = append(all, Peer{Name: o.name(), Addrs: []netip.AddrPort{o.addr}, Link: link, Media: media})
	}
	n.e.SetPeers(all)
}

// mesh makes all nodes peers of all.
func (r *rig) mesh(link, media bool) {
	for _, n := range r.nodes {
		var others []*node
		for _, o := range r.nodes {
			if o != n {
				others = append(others, o)
			}
		}
		n.knows(link, media, others...)
	}
}

func (n *node) note(format string, args ...any) {
	n.events = append(n.events, fmt.Sprintf(format, args...))
}

// LinkUp takes note.
func (n *node) LinkUp(peer identity.Name, _ wire.Hello) {
	time.Sleep(n.pause)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.up[peer]++; n.up[peer] != 1 {
		n.rig.t.Errorf("%s: two links with %s", n.name(), peer)
	}
	n.note("up")
}

// LinkDown takes note.
func (n *node) LinkDown(peer identity.Name, reason error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.up[peer]--; n.up[peer] != 0 {
		n.rig.t.Errorf("%s: link with %s is down twice", n.name(), peer)
	}
	n.note("down: %v", reason)
}

// Frame takes note.
func (n *node) Frame(peer identity.Name, f wire.Frame) {
	n.mu.Lock()
	if n.up[peer] != 1 {
		n.rig.t.Errorf("%s: a frame of %s without a link", n.name(), peer)
	}
	n.frames = append(n.frames, f)
	on := n.on
	n.mu.Unlock()
	if on != nil {
		on(peer, f)
	}
}

// Datagram takes note.
func (n *node) Datagram(peer identity.Name, datagram []byte, _ time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.up[peer] != 1 {
		n.rig.t.Errorf("%s: media of %s without a link", n.name(), peer)
	}
	n.media = append(n.media, string(datagram))
}

// Liveness takes note.
func (n *node) Liveness(_ identity.Name, s State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.note("%v", s)
}

// said returns the events so far and forgets them.
func (n *node) said() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.events
	n.events = nil
	return all
}

func (n *node) logged() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.log.String()
}

func (n *node) got() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.frames)
}

// letters returns the frames that came so far, packets the media.
func (n *node) letters() []wire.Frame {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.frames)
}

func (n *node) packets() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.media)
}

func (n *node) heardMedia() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.media)
}

func (n *node) linked(o *node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.up[o.name()] == 1
}

func (n *node) report(o *node) Report {
	for _, r := range n.e.Peers() {
		if r.Name == o.name() {
			return r
		}
	}
	return Report{}
}

// within waits until the condition holds and returns how long that took.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !holds() {
		if time.Since(start) >= limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
	}
	return time.Since(start)
}
