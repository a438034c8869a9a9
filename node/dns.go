package node

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/geo/dns"
	"github.com/atoll-mesh/atoll/geo/dns/zone"
	"github.com/atoll-mesh/atoll/geo/place"
)

// dnsBeat is how often the zone is compared with the members: a node that drains or died is in no answer so much later.
const dnsBeat = 200 * time.Millisecond

// listenDNS opens the DNS port.
func (n *Node) listenDNS() error {
	if n.cfg.DNS.Off {
		return nil
	}
	if n.cfg.Domain == "localhost" {
		return fmt.Errorf("--dns: there is no domain to answer for, and the cluster said none; want --domain NAME beside it")
	}
	var err error
	n.dns, err = dns.Listen(dns.Config{Listen: n.cfg.DNS.String(), Domain: n.cfg.Domain, Name: string(n.name), Locate: n.homing.Locate, Log: n.log})
	if err != nil {
		return fmt.Errorf("--dns: %w", err)
	}
	return nil
}

// keepZone tells the DNS server who is there, until the node stops.
func (n *Node) keepZone() {
	ticker := time.NewTicker(dnsBeat)
	defer ticker.Stop()
	for {
		n.dns.Set(n.zoneNodes())
		select {
		case <-ticker.C:
		case <-n.stopping:
			return
		}
	}
}

// zoneNodes returns the living nodes as DNS shows them.
func (n *Node) zoneNodes() []zone.Node {
	var all []zone.Node
	for _, m := range n.living() {
		one := zone.Node{Node: placed(m), Mesh: m.Addr.Port(), NameServer: m.DNS, Since: m.Started}
		all = append(all, one)
	}
	return all
}

// living returns the members that are there, this node among them.
func (n *Node) living() []member.Member {
	if n.mesh != nil {
		return slices.DeleteFunc(n.mesh.Standing(), func(m member.Member) bool { return m.State != member.Alive })
	}
	one := member.Member{Name: n.name, Self: true, Meta: member.Meta{Region: n.cfg.Region, Build: Version, DNS: n.dns != nil}}
	if n.cfg.NodeURL != nil {
		one.URL = n.cfg.NodeURL.String()
	}
	if l := n.cfg.Location; l != nil {
		one.Located, one.Lat, one.Lon = true, int16(math.Round(100*l.Lat)), int16(math.Round(100*l.Lon))
	}
	for _, c := range n.edge.Candidates() {
		one.Media = append(one.Media, c.Addr)
	}
	return []member.Member{one}
}

// placed returns a member as geo/place knows it. Its addresses are those by which clients send it media: the public ones when it has
// any, since nobody outside reaches the others.
func placed(m member.Member) place.Node {
	node := place.Node{
		Name: string(m.Name), URL: m.URL, Region: m.Region, Location: place.Location{Lat: float64(m.Lat) / 100, Lon: float64(m.Lon) / 100}, Located: m.Located,
		Load: m.Load, Oldest: m.Oldest, Newest: m.Newest, Draining: m.Drain,
	}
	var all []netip.Addr
	for _, a := range slices.Concat(m.Media, m.Link) {
		if ip := a.Addr().Unmap(); !slices.Contains(all, ip) {
			all = append(all, ip)
		}
	}
	if slices.ContainsFunc(all, public) {
		all = slices.DeleteFunc(all, func(ip netip.Addr) bool { return !public(ip) })
	}
	for _, ip := range all {
		if ip.Is4() {
			node.IPv4 = append(node.IPv4, ip)
		} else {
			node.IPv6 = append(node.IPv6, ip)
		}
	}
	return node
}
