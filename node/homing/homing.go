// Package homing says which nodes are near somebody: it brings the engine geo/place together with what it decides from, the nodes
// of the cluster, the table of countries, and the round trips that pages have measured.
//
// What is known of an address is, best first: round trips from its network (24 bits in IPv4, 48 in IPv6), and the place that the table
// has for it. Equally near nodes share clients by networks of at least 16 bits in IPv4 and 32 in IPv6.
//
// A [Desk] may be asked by everybody at once. It keeps at most 16384 networks with round trips, which are 8 MB.
package homing

import (
	"net/netip"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/geo/country"
	"github.com/atoll-mesh/atoll/geo/place"
)

const (
	networks = 16384
	// fresh is how long the list of nodes is used before it is asked for again.
	fresh = 200 * time.Millisecond
)

// Places says where an address is, and around it the largest network that is there too. Implemented by country.Book.
type Places interface {
	Lookup(addr netip.Addr) (country.Place, netip.Prefix)
}

// Desk answers questions about who is near.
type Desk struct {
	places Places
	list   func() []place.Node

	mu      sync.Mutex
	learned *place.Learned
	nodes   []place.Node
	asked   time.Time
}

// New returns a desk. List returns the nodes of the cluster, this one included.
func New(places Places, list func() []place.Node) *Desk {
	return &Desk{places: places, list: list, learned: place.NewLearned(networks)}
}

// Nodes returns the nodes of the cluster as they were at most 200 ms ago. They must not be written to.
func (d *Desk) Nodes() []place.Node {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.nodes == nil || now.Sub(d.asked) > fresh {
		d.nodes, d.asked = d.list(), now
	}
	return d.nodes
}

// Locate returns what is known of clients in a network, and how many bits of an address that depends on: everybody with these
// bits gets the same answer.
func (d *Desk) Locate(network netip.Prefix) (client place.Client, bits int) {
	addr := network.Addr().Unmap()
	where, around := d.places.Lookup(addr)
	d.mu.Lock()
	client.Trips = d.learned.Trips(time.Now(), addr)
	d.mu.Unlock()
	client.Location, client.Located = where.Location, where.Located
	if bits = around.Bits(); client.Trips != nil {
		bits = place.Neighbourhood(addr).Bits()
	}
	if addr.Is4() {
		bits = min(max(bits, 16), 24)
	} else {
		bits = min(max(bits, 32), 48)
	}
	client.Prefix, _ = addr.WithZone("").Prefix(bits)
	return client, bits
}

// Nearest returns the at most n nodes that a client should use, best first.
func (d *Desk) Nearest(addr netip.Addr, n int) []place.Node {
	client, _ := d.Locate(netip.PrefixFrom(addr, addr.BitLen()))
	return place.Rank(d.Nodes(), client, n)
}

// Learn takes a round trip that a client has measured to a node. It counts for its network only, and only for nodes that there are.
func (d *Desk) Learn(addr netip.Addr, node string, rtt time.Duration) {
	for _, known := range d.Nodes() {
		if known.Name == node {
			d.mu.Lock()
			d.learned.Observe(time.Now(), addr, known.Name, rtt)
			d.mu.Unlock()
			return
		}
	}
}

// Networks returns of how many networks round trips are known.
func (d *Desk) Networks() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.learned.Len()
}
