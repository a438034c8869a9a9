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

// Addr returns the address that others gossip with.
func (m *Mesh) Addr() netip.AddrPort { return m.list.Addr() }
