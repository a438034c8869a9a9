package mesh

import (
	"slices"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/member"
)

// Living returns the members that are there, this node among them, by name. Heartbeats say who is: a node that died is gone 3 s
// after its last one, long before gossip knows. One that says that it leaves is gone at once.
func (m *Mesh) Living() []member.Member {
	all := m.list.Members()
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(all, func(one member.Member) bool {
		return one.State == member.Left || !one.Self && !slices.Contains(m.alive, one.Name)
	})
}

// Hears reports whether heartbeats go both ways between this node and another, and by which way: whether something can reach the
// other's link port.
func (m *Mesh) Hears(name identity.Name) bool {
	return slices.ContainsFunc(m.links.Peers(), func(r link.Report) bool { return r.Name == name && r.Alive })
}

// Reaches asks a member by UDP gossip, and reports whether it answered.
func (m *Mesh) Reaches(one member.Member) bool { return m.list.Reaches(one.Name, one.Addr) }
