package node

import (
	"fmt"
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
	n.dns, err = dns.Listen(dns.Config{Listen: n.cfg.DNS.String(), Domain: n.cfg.Domain, Name: string(n.name), Locate: n.locate, Log: n.log})
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
	living := n.living()
	var all []zone.Node
	for _, one := range n.nodes() {
		if i := slices.IndexFunc(living, func(m member.Member) bool { return string(m.Name) == one.Name }); i >= 0 {
			m := living[i]
			all = append(all, zone.Node{Node: one, Mesh: m.Addr.Port(), NameServer: m.DNS, Since: m.Started})
		}
	}
	return all
}

// living returns the members that are there, this node among them.
func (n *Node) living() []member.Member {
	if n.mesh != nil {
		return slices.DeleteFunc(n.mesh.Standing(), func(m member.Member) bool { return m.State != member.Alive })
	}
	return []member.Member{{Name: n.name, Self: true, Meta: member.Meta{DNS: n.dns != nil}}}
}

// locate says who the clients of a network are and how many bits of its address that depends on.
func (n *Node) locate(p netip.Prefix) (place.Client, int) {
	if n.homing == nil { // the table of countries could not be read, and the node will not start
		return place.Client{}, 0
	}
	return n.homing.Locate(p)
}
