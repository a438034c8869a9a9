// Package zone decides what the cluster's own DNS zone says. It is an engine: a [Zone] is a value made of the nodes that are
// there, and the same question gets the same answer from it at every node.
//
// # What is in it
//
// With the domain meet.example.org:
//
//	meet.example.org                     SOA, NS, A, AAAA, TXT
//	_atoll._udp.meet.example.org         SRV
//	<node>.meet.example.org              A, AAAA, TXT
//
// A and AAAA of the domain are the first address of each of the three nodes that geo/place puts first for the client, in that
// order. NS are the at most four nodes that serve DNS, those that have been running for longest: the set changes slowly. SRV
// are up to eight nodes with the port of their gossip, for nodes that join; TXT of the domain says how many nodes are alive and of a
// node its region, for people. NS and SRV bring the addresses of what they name.
//
// Names that only XMPP has (conference, focus, auth) are not in it: nobody connects to them.
//
// # Who is in it
//
// A dead node is in no answer. A draining one is in no answer but that to its own name, which those who are still connected to it
// may need; the domain does not send anybody there. When nobody else is left the draining ones are given: an answer without an
// address would be kept by resolvers, and helps nobody.
//
// # Negative answers
//
// A name that is not there is NXDOMAIN, one that is there without the type is an empty answer; both bring the SOA, by which
// resolvers keep them for 10 s (RFC 2308). A name outside the domain is refused. ANY is answered with one HINFO (RFC 8482),
// transfers are refused.
//
// # Client subnets
//
// Answers with A or AAAA of the domain depend on the client's network, and say how many bits of its address they depend on (RFC
// 7871 7.2.1); all others hold for everybody: scope 0.
package zone

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/atoll-mesh/atoll/geo/place"
)

// Types of records and questions (RFC 1035 3.2.2, 3.2.3 and later ones).
const (
	TypeA     = 1
	TypeNS    = 2
	TypeSOA   = 6
	TypeHINFO = 13
	TypeTXT   = 16
	TypeAAAA  = 28
	TypeSRV   = 33
	TypeIXFR  = 251
	TypeAXFR  = 252
	TypeANY   = 255
)

// Seconds that others may keep what they were told, and the fields of the SOA (RFC 1035 3.3.13), which nobody transfers by.
const (
	addressTTL  = 30
	slowTTL     = 300
	negativeTTL = 10

	Refresh = 3600
	Retry   = 600
	Expire  = 86400
	Minimum = negativeTTL
)

const (
	nearest     = 3
	nameServers = 4
	services    = 8
)

// Node is one node of the cluster.
type Node struct {
	place.Node
	Mesh       uint16 // port of its gossip
	NameServer bool   // it serves DNS
	Since      uint64 // when it started, in unix milliseconds
}

// Code says how a question was answered (RFC 1035 4.1.1).
type Code uint8

// The codes of answers.
const (
	NoError  Code = 0
	NotThere Code = 3
	Refused  Code = 5
)

// Question is a name and a type, of class IN. The labels are in lower case, the first one first, without the root.
type Question struct {
	Labels []string
	Type   uint16
}

// Record is one record. Which fields it has depends on its type.
type Record struct {
	Name   string // "": the name that was asked for; without the dot at the end
	Type   uint16
	TTL    uint32 // seconds
	Addr   netip.Addr
	Target string // of NS and SRV; the master of an SOA
	Port   uint16
	Order  uint16 // priority of SRV: the lowest first
	Serial uint32
	Text   string
}

// Answer is what a message says.
type Answer struct {
	Code                          Code
	Authoritative                 bool
	Answer, Authority, Additional []Record
	// Scope is how many bits of the client's address the answer depends on, 0 for none.
	Scope int
}

// Locate says who a client is and how many bits of its address that depends on.
type Locate func() (place.Client, int)

// Zone is what the domain's DNS says at one time.
type Zone struct {
	domain string
	labels []string
	serial uint32
	byName map[string]Node
	chosen []Node          // who is given to those who ask for the domain
	count  int             // nodes that are alive
	family [2][]place.Node // of those, who has an address of IPv4, of IPv6
}

// New returns the zone of a domain (lower case, without a dot at the end).
func New(domain string, serial uint32, nodes []Node) *Zone {
	z := &Zone{domain: domain, labels: strings.Split(domain, "."), serial: serial, byName: make(map[string]Node, len(nodes))}
	var resting []Node
	for _, n := range nodes {
		switch {
		case n.Dead:
			continue
		case n.Draining:
			resting = append(resting, n)
		default:
			z.chosen = append(z.chosen, n)
		}
		z.byName[n.Name] = n
	}
	z.count = len(z.byName)
	if len(z.chosen) == 0 {
		z.chosen = resting
		for i := range z.chosen {
			z.chosen[i].Draining = false
		}
	}
	slices.SortFunc(z.chosen, func(a, b Node) int { return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.Name, b.Name)) })
	for _, n := range z.chosen {
		if len(n.IPv4) > 0 {
			z.family[0] = append(z.family[0], n.Node)
		}
		if len(n.IPv6) > 0 {
			z.family[1] = append(z.family[1], n.Node)
		}
	}
	return z
}

// Holds reports whether a name is the domain or below it.
func (z *Zone) Holds(labels []string) bool {
	below := len(labels) - len(z.labels)
	return below >= 0 && slices.Equal(labels[below:], z.labels)
}

// Answer answers a question.
func (z *Zone) Answer(q Question, locate Locate) Answer {
	if !z.Holds(q.Labels) || q.Type == TypeAXFR || q.Type == TypeIXFR {
		return Answer{Code: Refused}
	}
	below := q.Labels[:len(q.Labels)-len(z.labels)]
	a := Answer{Authoritative: true}
	there := true
	switch {
	case q.Type == TypeANY && z.exists(below):
		a.Answer = []Record{{Type: TypeHINFO, TTL: slowTTL}}
	case len(below) == 0:
		z.apex(&a, q.Type, locate)
	case len(below) == 2 && below[0] == "_atoll" && below[1] == "_udp":
		if q.Type == TypeSRV {
			z.srv(&a)
		}
	default:
		var n Node
		n, there = z.node(below)
		if there {
			own(&a, n, q.Type)
		}
	}
	if !there && !z.exists(below) {
		a.Code = NotThere
	}
	if len(a.Answer) == 0 {
		soa := z.soa()
		soa.Name, soa.TTL = z.domain, negativeTTL
		a.Authority = append(a.Authority, soa)
	}
	return a
}

// exists reports whether a name, given by its labels below the domain, is there or has one below it.
func (z *Zone) exists(below []string) bool {
	switch strings.Join(below, ".") {
	case "", "_udp", "_atoll._udp":
		return true
	}
	_, there := z.node(below)
	return there
}

func (z *Zone) node(below []string) (Node, bool) {
	if len(below) != 1 {
		return Node{}, false
	}
	n, there := z.byName[below[0]]
	return n, there
}

func (z *Zone) apex(a *Answer, kind uint16, locate Locate) {
	switch kind {
	case TypeA:
		z.near(a, 0, locate)
	case TypeAAAA:
		z.near(a, 1, locate)
	case TypeSOA:
		a.Answer = append(a.Answer, z.soa())
	case TypeNS:
		for _, n := range z.servers() {
			a.Answer = append(a.Answer, Record{Type: TypeNS, TTL: slowTTL, Target: z.nameOf(n)})
			a.Additional = append(a.Additional, z.addresses(n)...)
		}
	case TypeTXT:
		a.Answer = append(a.Answer, Record{Type: TypeTXT, TTL: addressTTL, Text: "atoll nodes=" + strconv.Itoa(z.count)})
	}
}

// near answers with the nodes that the client should use.
func (z *Zone) near(a *Answer, family int, locate Locate) {
	if len(z.family[family]) == 0 {
		return
	}
	client, scope := locate()
	ranked := place.Rank(z.family[family], client, nearest)
	if len(ranked) == 0 { // nobody is fit, which is no reason to send nobody anywhere
		ranked = z.family[family][:min(nearest, len(z.family[family]))]
	}
	a.Scope = scope
	for _, n := range ranked {
		a.Answer = append(a.Answer, address(n, family))
	}
}

func address(n place.Node, family int) Record {
	if family == 0 {
		return Record{Type: TypeA, TTL: addressTTL, Addr: n.IPv4[0]}
	}
	return Record{Type: TypeAAAA, TTL: addressTTL, Addr: n.IPv6[0]}
}

// own answers a question for the name of a node.
func own(a *Answer, n Node, kind uint16) {
	switch kind {
	case TypeA:
		for _, ip := range n.IPv4 {
			a.Answer = append(a.Answer, Record{Type: TypeA, TTL: addressTTL, Addr: ip})
		}
	case TypeAAAA:
		for _, ip := range n.IPv6 {
			a.Answer = append(a.Answer, Record{Type: TypeAAAA, TTL: addressTTL, Addr: ip})
		}
	case TypeTXT:
		a.Answer = append(a.Answer, Record{Type: TypeTXT, TTL: addressTTL, Text: "region=" + n.Region})
	}
}

func (z *Zone) srv(a *Answer) {
	for i, n := range z.chosen[:min(len(z.chosen), services)] {
		if n.Mesh == 0 {
			continue
		}
		a.Answer = append(a.Answer, Record{Type: TypeSRV, TTL: addressTTL, Target: z.nameOf(n), Port: n.Mesh, Order: uint16(i)})
		a.Additional = append(a.Additional, z.addresses(n)...)
	}
}

// servers returns the nodes that serve DNS, those that run for longest. Without one the zone would be broken: whoever
// answers is one.
func (z *Zone) servers() []Node {
	var all []Node
	for _, n := range z.chosen {
		if n.NameServer && len(all) < nameServers {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		all = z.chosen[:min(1, len(z.chosen))]
	}
	return all
}

// addresses are those of a node, under its name.
func (z *Zone) addresses(n Node) []Record {
	var a Answer
	own(&a, n, TypeA)
	own(&a, n, TypeAAAA)
	for i := range a.Answer {
		a.Answer[i].Name = z.nameOf(n)
	}
	return a.Answer
}

func (z *Zone) soa() Record {
	master := z.domain
	if all := z.servers(); len(all) > 0 {
		master = z.nameOf(all[0])
	}
	return Record{Type: TypeSOA, TTL: slowTTL, Target: master, Text: "hostmaster." + z.domain, Serial: z.serial}
}

func (z *Zone) nameOf(n Node) string { return n.Name + "." + z.domain }
