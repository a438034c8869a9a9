package mesh

import (
	"fmt"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// Sessions takes the frames about sessions and bridge channels at other nodes. Its methods must not block.
type Sessions interface {
	Session(from identity.Name, f wire.Frame)
}

// SetSessions says who takes the frames about sessions and bridge channels. Without one they are dropped.
func (m *Mesh) SetSessions(to Sessions) { m.sessions.Store(&to) }

// session gives a frame to who takes those. What holds a token or keys counts only from the node itself.
func (m *Mesh) session(from identity.Name, f wire.Frame, relayed bool) error {
	switch f.(type) {
	case wire.Seek, wire.Sought, wire.Keep, wire.Amend, wire.Kept, wire.Wipe:
		if relayed {
			return fmt.Errorf("a relayed %T", f)
		}
	}
	if to := m.sessions.Load(); to != nil {
		(*to).Session(from, f)
	}
	return nil
}

// errand is how long a link is wanted that was asked for by Want.
const errand = 60 * time.Second

// Want asks for a link to a node for a minute, and reports whether there is one already.
func (m *Mesh) Want(peer identity.Name) bool {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, member := m.members[peer]; !member {
		return false
	}
	m.errands[peer] = now.Add(errand)
	m.settle(now)
	_, linked := m.linked[peer]
	return linked && !m.dead[peer]
}

// Alive returns the nodes that can be asked, this one included, and those of them that take new participants.
func (m *Mesh) Alive() (alive, open []identity.Name) {
	m.mu.Lock()
	defer m.mu.Unlock()
	alive = slices.Clone(m.alive)
	open = slices.DeleteFunc(slices.Clone(alive), func(n identity.Name) bool { return n == m.self && m.meta.Drain || m.members[n].Drain })
	return alive, open
}
