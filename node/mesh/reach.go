package mesh

import (
	"slices"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/member"
)

// Hears reports whether heartbeats go both ways between this node and another, and by which way: whether something can reach the
// other's link port.
func (m *Mesh) Hears(name identity.Name) bool {
	return slices.ContainsFunc(m.links.Peers(), func(r link.Report) bool { return r.Name == name && r.Alive })
}

// Reaches asks a member by UDP gossip, and reports whether it answered.
func (m *Mesh) Reaches(one member.Member) bool { return m.list.Reaches(one.Name, one.Addr) }
