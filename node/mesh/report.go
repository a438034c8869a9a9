package mesh

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/member"
)

// Members returns everybody in the cluster, this node included, by name.
func (m *Mesh) Members() []member.Member { return m.list.Members() }

// Links returns what is known of the way to every other member, by name.
func (m *Mesh) Links() []link.Report {
	all := m.links.Peers()
	slices.SortFunc(all, func(a, b link.Report) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}

// Strangers counts what came to the link port from nobody that is a member.
func (m *Mesh) Strangers() link.Strangers { return m.links.Strangers() }

// Subscriptions returns how many sources of other nodes this one asked for and how many it serves to others.
func (m *Mesh) Subscriptions() (pulled, served int) { return m.in.count(), m.out.count() }

// Addr returns the address that others gossip with.
func (m *Mesh) Addr() netip.AddrPort { return m.list.Addr() }

// LinkPort returns the UDP port of the links.
func (m *Mesh) LinkPort() uint16 { return m.port }
