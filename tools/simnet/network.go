package simnet

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Network is the whole of it. All methods may be called from any goroutine.
type Network struct {
	mu     sync.Mutex
	seed   uint64
	closed bool

	public realm
	hosts  []*Host
	names  map[string]netip.Addr
	links  Link // of directions without one of their own
	ways   map[[2]Site]*way
	strays uint64

	timer  *time.Timer
	events events
	seq    uint64
}

// realm is an address space.
type realm struct {
	sites map[netip.Addr]Site
	nat   *NAT // the way out, nil in the public one
}

// Site is what a direction begins and ends at: a [*Host] or a [*NAT].
type Site interface {
	name() string
	// arrive takes a packet that reached the site, at the current time and under the lock of the network.
	arrive(p *packet, over *way)
}

// New returns an empty network whose chance is drawn from seed.
func New(seed uint64) *Network {
	return &Network{
		seed:   seed,
		public: realm{sites: make(map[netip.Addr]Site)},
		names:  make(map[string]netip.Addr),
		ways:   make(map[[2]Site]*way),
	}
}

// Close closes all sockets and forgets all packets.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, h := range n.hosts {
		h.close()
	}
	n.events = nil
	if n.timer != nil {
		n.timer.Stop()
	}
}

// Host adds a host with these addresses to the public network. It panics when an address is malformed or taken: that is a
// mistake in the test.
func (n *Network) Host(addresses ...string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.host(&n.public, addresses)
}

// Name gives an address a name that hosts may dial.
func (n *Network) Name(name, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = netip.MustParseAddr(address).Unmap()
}

// Strays returns how many packets were sent to addresses that nobody has, or that a NAT would not send back inside.
func (n *Network) Strays() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.strays
}

func (r *realm) settle(s Site, addresses []string) []netip.Addr {
	if len(addresses) == 0 {
		panic("simnet: a site needs an address")
	}
	parsed := make([]netip.Addr, len(addresses))
	for i, a := range addresses {
		parsed[i] = netip.MustParseAddr(a).Unmap()
		if r.sites[parsed[i]] != nil {
			panic("simnet: two sites with the address " + a)
		}
		r.sites[parsed[i]] = s
	}
	return parsed
}

// packet is what travels: a datagram, or a segment of a stream.
type packet struct {
	src, dst netip.AddrPort
	data     []byte
	segment  *segment // nil: a datagram
	lost     func()   // told, under the lock, when the packet will not arrive
}

func (p *packet) size() int {
	if p.segment != nil {
		return len(p.segment.data) + segmentHeader
	}
	return len(p.data)
}

func (p *packet) drop(counter *uint64) {
	*counter++
	if p.lost != nil {
		p.lost()
	}
}

// send routes a packet of a host. The lock is held.
func (n *Network) send(h *Host, p *packet) {
	var from Site = h
	at := h.realm
	for {
		to := at.sites[p.dst.Addr()]
		if to != nil && (to != from || from == h) {
			n.way(from, to).send(p)
			return
		}
		if to != nil { // a NAT that is asked for its own address from inside
			if nat := to.(*NAT); nat.cfg.Hairpin {
				n.way(from, to).send(p)
				return
			}
		}
		if to != nil || at.nat == nil {
			p.drop(&n.strays)
			return
		}
		at.nat.outbound(p)
		from, at = at.nat, at.nat.outer
	}
}

// way returns the direction between two sites.
func (n *Network) way(from, to Site) *way {
	key := [2]Site{from, to}
	w := n.ways[key]
	if w == nil {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s>%s", from.name(), to.name())
		w = &way{net: n, from: from, to: to, chance: rand.New(rand.NewPCG(n.seed, h.Sum64()))}
		n.ways[key] = w
	}
	return w
}

// after calls fire under the lock of the network when d has passed.
func (n *Network) after(d time.Duration, fire func()) { n.at(time.Now().Add(d), fire) }

func (n *Network) at(t time.Time, fire func()) {
	if n.closed {
		return
	}
	n.seq++
	heap.Push(&n.events, event{at: t, seq: n.seq, fire: fire})
	if n.events[0].seq == n.seq {
		n.arm()
	}
}

func (n *Network) arm() {
	if len(n.events) == 0 {
		return
	}
	d := time.Until(n.events[0].at)
	if n.timer == nil {
		n.timer = time.AfterFunc(d, n.run)
		return
	}
	n.timer.Reset(d)
}

func (n *Network) run() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for len(n.events) > 0 && !n.events[0].at.After(now) {
		heap.Pop(&n.events).(event).fire()
	}
	n.arm()
}

type event struct {
	at   time.Time
	seq  uint64
	fire func()
}

// events is a heap by time and, at the same time, by age.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].seq < e[j].seq
	}
	return e[i].at.Before(e[j].at)
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return x
}

// resolve reads "host:port". The host may be empty, an address or a name.
func (n *Network) resolve(address string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "port is not a number", Addr: address}
	}
	if host == "" {
		return netip.AddrPortFrom(netip.Addr{}, uint16(port)), nil
	}
	if a, ok := n.names[host]; ok {
		return netip.AddrPortFrom(a, uint16(port)), nil
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if a = a.Unmap(); a.IsUnspecified() {
		a = netip.Addr{}
	}
	return netip.AddrPortFrom(a, uint16(port)), nil
}
