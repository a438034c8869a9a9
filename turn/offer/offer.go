// Package offer says which TURN servers a client is told of, and in which order.
//
// # The order
//
// Nearest first, by the round trip of the link from the node that serves the client; but that node itself comes after the nearest
// other one: when the node of somebody's media dies and their relay with it, no path is left that could take over, because
// browsers keep the pairs of the first relay alone. Where the relay and the media are two nodes, the death of one leaves the other.
//
// That holds for another node within [Near] alone. Every packet of a relayed client goes the way between relay and media node, so
// that a relay on another continent would cost the whole call what a crash costs once: then the own node is first, and the other
// is second, for a client whose own node's TURN it cannot reach.
//
// The order is a wish: media takes the relay whose pair was checked and nominated first, and a relay that is 80 ms farther away is there
// a quarter of a second later. So it decides between nodes that are close to each other, which is where it costs nothing.
//
// A client is told of two nodes: each further one costs every client an allocation for nothing.
//
// # What of a node
//
// Its first address of each family, by number: it needs no name and no DNS. On UDP, on TCP, and over TLS by the name that the
// certificate is for.
//
// It is an engine.
package offer

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

const (
	// Near is the round trip to another node up to which it comes first.
	Near = 100 * time.Millisecond
	// nodes are how many nodes a client is told of.
	nodes = 2
)

// Node is a node that relays.
type Node struct {
	Name      string
	Self      bool
	RTT       time.Duration // of the link to it; 0: not known
	Drain     bool          // it takes nobody new
	Addresses []netip.Addr  // best first
	TURN      uint16        // port on UDP and TCP, 0: none
	TURNS     uint16        // port over TLS, 0: none
	Host      string        // name that its certificate is for; "": its address
}

// Server is one way to one node (XEP-0215 3).
type Server struct {
	Type      string // stun, turn or turns
	Host      string
	Port      uint16
	Transport string // udp or tcp
}

// Servers returns what a client is told: the best first. STUN servers come last; they need no credential.
func Servers(all []Node) []Server {
	chosen := choose(all)
	var servers []Server
	for _, n := range chosen {
		hosts := families(n.Addresses)
		if n.TURN != 0 {
			for _, h := range hosts {
				servers = append(servers, Server{"turn", h, n.TURN, "udp"})
			}
			for _, h := range hosts {
				servers = append(servers, Server{"turn", h, n.TURN, "tcp"})
			}
		}
		if n.TURNS != 0 {
			if n.Host != "" {
				hosts = []string{n.Host}
			}
			for _, h := range hosts {
				servers = append(servers, Server{"turns", h, n.TURNS, "tcp"})
			}
		}
	}
	for _, n := range chosen {
		if hosts := families(n.Addresses); n.TURN != 0 && len(hosts) > 0 {
			servers = append(servers, Server{"stun", hosts[0], n.TURN, "udp"})
		}
	}
	return servers
}

// choose returns the nodes that a client is told of, in order.
func choose(all []Node) []Node {
	var others, own []Node
	for _, n := range all {
		switch {
		case n.TURN == 0 && n.TURNS == 0 || len(n.Addresses) == 0:
		case n.Self:
			own = append(own, n)
		case !n.Drain && n.RTT > 0: // one that no heartbeat has come from may not be there
			others = append(others, n)
		}
	}
	slices.SortFunc(others, func(a, b Node) int { return cmp.Or(cmp.Compare(a.RTT, b.RTT), cmp.Compare(a.Name, b.Name)) })
	order := append(own, others...)
	if len(own) > 0 && len(others) > 0 && others[0].RTT <= Near {
		order[0], order[1] = order[1], order[0]
	}
	return order[:min(len(order), nodes)]
}

// families returns the first address of each family, in the order in which they come.
func families(all []netip.Addr) (hosts []string) {
	var seen [2]bool
	for _, ip := range all {
		family := 0
		if ip.Is6() {
			family = 1
		}
		if !seen[family] {
			seen[family] = true
			hosts = append(hosts, ip.String())
		}
	}
	return hosts
}
