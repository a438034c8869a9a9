package lab

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// Topology is what a lab consists of.
type Topology struct {
	Regions []Region
	Links   []Link // pairs without a link cannot reach each other
	Seed    uint64 // of everything random on the links
}

// Region is a place with a router of its own.
type Region struct {
	Name    string // 1 to 8 lower-case letters and digits
	Nodes   int    // namespaces for nodes, 0 for 1
	Clients int    // namespaces for clients, 0 for 1
	NAT     bool   // one more client, behind a NAT that lets nothing new in
	V6Only  bool   // the clients have no IPv4 address; the one behind the NAT has
}

// Link joins two regions; both directions start with the same impairment.
type Link struct {
	A, B string
	wan.Impairment
}

// Mesh is the usual three regions: eu-us 40 ms, us-ap 75 ms, eu-ap 110 ms one way.
func Mesh() Topology {
	return Topology{
		Regions: []Region{{Name: "eu"}, {Name: "us"}, {Name: "ap"}},
		Links: []Link{
			{A: "eu", B: "us", Impairment: wan.Impairment{Delay: 40e6}},
			{A: "eu", B: "ap", Impairment: wan.Impairment{Delay: 110e6}},
			{A: "us", B: "ap", Impairment: wan.Impairment{Delay: 75e6}},
		},
	}
}

// Home is the name of the region where the people of a region are.
func Home(region string) string { return region + "home" }

// WithHomes adds a home to every region: a region for its clients, near its nodes, and as much farther from all others as near says.
// A NAT stands at home.
func (t Topology) WithHomes(near time.Duration) Topology {
	homes := Topology{Regions: slices.Clone(t.Regions), Links: slices.Clone(t.Links), Seed: t.Seed}
	for k, r := range t.Regions {
		homes.Regions[k].NAT = false
		homes.Regions = append(homes.Regions, Region{Name: Home(r.Name), Clients: r.Clients, NAT: r.NAT})
		homes.Links = append(homes.Links, Link{A: Home(r.Name), B: r.Name, Impairment: wan.Impairment{Delay: near}})
	}
	for _, l := range t.Links {
		far := l.Impairment
		far.Delay += near
		homes.Links = append(homes.Links, Link{Home(l.A), l.B, far}, Link{Home(l.B), l.A, far})
	}
	return homes
}

// Subnets of a region: third byte of 10.R.S.0/24 and third group of fd00:R:S::/64.
const (
	nodeSubnet   = 1
	clientSubnet = 2
	natSubnet    = 3
	moreNodes    = 9  // node k (from 2) has 9+k
	moreClients  = 19 // client k (from 2) has 19+k
	mostHosts    = 10
)

// subnet is one host and its wire to the router of its region.
type subnet struct {
	region int // from 1
	number int
	host   string // node, node2, cli, cli2, nat
	v6Only bool
}

func (s subnet) v4(last byte) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(s.region), byte(s.number), last})
}

// v6 writes region and subnet with their decimal digits, so that both families read alike.
func (s subnet) v6(last int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fd00:%d:%d::%d", s.region, s.number, last))
}

func prefixes(region int) []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(region)}), 16),
		netip.PrefixFrom(netip.MustParseAddr(fmt.Sprintf("fd00:%d::", region)), 32),
	}
}

// subnets lists the hosts of region number n.
func (r Region) subnets(n int) (nodes, clients []subnet) {
	for k := range max(r.Nodes, 1) {
		if k == 0 {
			nodes = append(nodes, subnet{region: n, number: nodeSubnet, host: "node"})
		} else {
			nodes = append(nodes, subnet{region: n, number: moreNodes + k + 1, host: fmt.Sprintf("node%d", k+1)})
		}
	}
	for k := range max(r.Clients, 1) {
		c := subnet{region: n, number: clientSubnet, host: "cli", v6Only: r.V6Only}
		if k > 0 {
			c.number, c.host = moreClients+k+1, fmt.Sprintf("cli%d", k+1)
		}
		clients = append(clients, c)
	}
	return nodes, clients
}

var regionName = regexp.MustCompile(`^[a-z][a-z0-9]{0,7}$`)

func (t Topology) validate() error {
	if len(t.Regions) == 0 || len(t.Regions) > 99 {
		return fmt.Errorf("%d regions: want 1 to 99", len(t.Regions))
	}
	known := map[string]bool{}
	for _, r := range t.Regions {
		if !regionName.MatchString(r.Name) || known[r.Name] {
			return fmt.Errorf("region %q: want a name of its own, of 1 to 8 lower-case letters and digits", r.Name)
		}
		if r.Nodes < 0 || r.Nodes > mostHosts || r.Clients < 0 || r.Clients > mostHosts {
			return fmt.Errorf("region %s: %d nodes, %d clients: want 0 to %d", r.Name, r.Nodes, r.Clients, mostHosts)
		}
		known[r.Name] = true
	}
	for _, l := range t.Links {
		if !known[l.A] || !known[l.B] || l.A == l.B {
			return fmt.Errorf("link %s-%s: want two regions of the topology", l.A, l.B)
		}
		if err := l.Validate(); err != nil {
			return fmt.Errorf("link %s-%s: %w", l.A, l.B, err)
		}
	}
	return nil
}
