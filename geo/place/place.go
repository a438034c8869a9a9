// Package place decides which nodes are near a client. It is an engine: what is known of nodes and of the client comes in
// as values, an order comes out, and the same values give the same order at every node.
//
// # The order
//
// Nodes that are dead or draining, and those that do not speak the version that most of the others speak, are never chosen. The
// others stand in three tiers: those with room, those of which more than 80 % is used, those of which more than 95 % is used.
// Within a tier the one with the lowest cost is first:
//
//	cost = round trip + up to 10 ms for load + up to 3 ms that depend on the client's prefix and the node
//
// The round trip is the one that was measured from the client's prefix (see [Learned]), else an estimate from the distance on
// the globe: 5 ms and 16 ms for each 1000 km, which is what the public Internet needs in the middle. A node or a client whose
// place is not known stands for 10000 km. The last part shares clients whose nodes are equally near, and is left out of a
// round trip that was measured: so all of a prefix go to one node, and prefixes spread over nodes. Whom the order puts before whom
// depends on these two alone, except for versions: a node that comes or goes moves only its own clients.
package place

import (
	"cmp"
	"hash/fnv"
	"math"
	"net/netip"
	"slices"
	"time"
)

// Location is a point on the globe in degrees, north and east positive.
type Location struct{ Lat, Lon float64 }

// Node is one node of the cluster, as far as choosing it goes.
type Node struct {
	// Name is a DNS label: the node's own name.
	Name string
	// URL is the node's own address for pages (--node-url).
	URL string
	// IPv4 and IPv6 are the public addresses that clients reach it by, best first.
	IPv4, IPv6 []netip.Addr
	Region     string
	Location   Location
	Located    bool // Location is known
	// Load is the share of the node that is used, 255 for all of it.
	Load uint8
	// Oldest and Newest are the versions of frames between nodes that it speaks.
	Oldest, Newest uint16
	Draining, Dead bool
}

// Client is who asks, as far as it is known.
type Client struct {
	// Prefix is what is known of its address. It only spreads clients over equal nodes, and may be the zero value.
	Prefix   netip.Prefix
	Location Location
	Located  bool // Location is known
	// Trips are round trips between nodes and the neighbourhood of the client.
	Trips []Trip
}

// Trip is a measured round trip between a client and a node.
type Trip struct {
	Node string
	RTT  time.Duration
}

const (
	roomy, busy, full = 204, 242, 255 // load: up to 80 %, up to 95 %, all

	loadCost   = 10 * time.Millisecond
	spreadCost = 3 * time.Millisecond
	leastTrip  = 5 * time.Millisecond
	perMetre   = 16 * time.Nanosecond // 16 ms for 1000 km
	somewhere  = 10_000_000           // metres to a place that is not known
)

// Rank returns the at most n nodes that the client should use, the nearest first. It is empty when no node is fit. What it
// returns shares the nodes' addresses.
func Rank(nodes []Node, client Client, n int) []Node {
	version := spoken(nodes)
	type candidate struct {
		node *Node
		tier int
		cost time.Duration
	}
	fit := make([]candidate, 0, len(nodes))
	for i := range nodes {
		if node := &nodes[i]; node.fit() && node.speaks(version) {
			fit = append(fit, candidate{node, node.tier(), cost(node, client)})
		}
	}
	slices.SortFunc(fit, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.cost, b.cost), cmp.Compare(a.node.Name, b.node.Name))
	})
	best := make([]Node, 0, max(0, min(n, len(fit))))
	for _, c := range fit[:cap(best)] {
		best = append(best, *c.node)
	}
	return best
}

func (n *Node) fit() bool { return !n.Draining && !n.Dead }

func (n *Node) speaks(version uint16) bool { return n.Oldest <= version && version <= n.Newest }

func (n *Node) tier() int {
	switch {
	case n.Load <= roomy:
		return 0
	case n.Load <= busy:
		return 1
	}
	return 2
}

// spoken returns the version that most nodes that are fit speak, the newest of several.
func spoken(nodes []Node) uint16 {
	var best uint16
	most := 0
	for i := range nodes {
		if !nodes[i].fit() {
			continue
		}
		count := 0
		for j := range nodes { // the newest that a node speaks is the newest of what most speak, for some node
			if nodes[j].fit() && nodes[j].speaks(nodes[i].Newest) {
				count++
			}
		}
		if version := nodes[i].Newest; count > most || count == most && version > best {
			most, best = count, version
		}
	}
	return best
}

func cost(node *Node, client Client) time.Duration {
	used := float64(node.Load) / full
	load := time.Duration(float64(loadCost) * used * used)
	for _, t := range client.Trips {
		if t.Node == node.Name {
			return t.RTT + load
		}
	}
	metres := float64(somewhere)
	if node.Located && client.Located {
		metres = Distance(node.Location, client.Location)
	}
	return leastTrip + time.Duration(metres*float64(perMetre)) + load + spread(node.Name, client.Prefix)
}

// spread returns a part of spreadCost that depends on the two alone.
func spread(name string, prefix netip.Prefix) time.Duration {
	h := fnv.New64a()
	b, _ := prefix.Masked().AppendBinary(make([]byte, 0, 32)) // never fails
	_, _ = h.Write(append(b, name...))
	x := h.Sum64() // its high bits barely depend on the last bytes: mix them (the finalizer of MurmurHash3)
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return time.Duration(x % uint64(spreadCost))
}

// Distance returns the metres between two places on the globe.
func Distance(a, b Location) float64 {
	const radius = 6_371_000
	lat1, lat2 := a.Lat*math.Pi/180, b.Lat*math.Pi/180
	dLat, dLon := lat2-lat1, (b.Lon-a.Lon)*math.Pi/180
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(lat1)*math.Cos(lat2)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * radius * math.Asin(math.Sqrt(min(1, h)))
}
