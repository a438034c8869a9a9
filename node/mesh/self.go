package mesh

import (
	"slices"

	"github.com/atoll-mesh/atoll/cascade/member"
)

// loadStep is the least change of the load that others are told: 3 %.
const loadStep = 8

// SetLoad tells the others how much of the node is used, 255 for all of it. What hardly changed is not told.
func (m *Mesh) SetLoad(load uint8) error {
	m.mu.Lock()
	defer m.mu.Unlock() // also while it is told: what somebody else changes of the metadata at once must not be undone
	if step := int(load) - int(m.meta.Load); step > -loadStep && step < loadStep || m.closed {
		return nil
	}
	m.meta.Load = load
	return m.list.Update(m.meta)
}

// Standing returns everybody in the cluster, by name, this node included, as heartbeats have it: a member is dead when they have ended,
// long before gossip says so.
func (m *Mesh) Standing() []member.Member {
	all := m.list.Members()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range all {
		if _, alive := slices.BinarySearch(m.alive, all[i].Name); !alive && !all[i].Self && all[i].State == member.Alive {
			all[i].State = member.Dead
		}
	}
	return all
}
