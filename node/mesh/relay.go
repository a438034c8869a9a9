package mesh

import (
	"errors"
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// relayedFrom is how far the relayed frames of a node have come: none is taken twice.
type relayedFrom struct{ started, counter uint64 }

// send sends a frame: directly when the peer is linked and heard, else over a member that reaches it.
func (m *Mesh) send(to identity.Name, f wire.Frame) bool {
	lane := wire.Lane(f)
	_, linked := m.linked[to]
	if linked && !m.dead[to] {
		return m.links.Send(to, lane, f)
	}
	next, ok := m.table.Via(time.Now(), to, func(n identity.Name) bool { _, yes := m.linked[n]; return yes })
	if !ok || next == to {
		return linked && m.links.Send(to, lane, f)
	}
	m.counter++
	version := min(wire.Version, max(m.members[to].Newest, wire.OldestVersion))
	r := wire.Relayed{
		Origin: m.self, Target: to, Key: m.key.Public(), Started: m.started, Counter: m.counter,
		Version: version, Frame: wire.Append(nil, f, version),
	}
	r.Signature = m.key.Sign(r.Signed())
	return m.links.Send(next, lane, r)
}

// pass takes a relayed frame: for this node, or for one that it reaches.
func (m *Mesh) pass(from identity.Name, r wire.Relayed) error {
	m.mu.Lock()
	if r.Target != m.self {
		defer m.mu.Unlock()
		if r.Origin != from {
			return fmt.Errorf("a frame of %s for %s was relayed twice", r.Origin, r.Target)
		}
		if _, linked := m.linked[r.Target]; linked { // else its sender will find another way
			m.links.Send(r.Target, wire.Lane(r), r)
		}
		return nil
	}
	last := m.relayed[r.Origin]
	_, known := m.members[r.Origin]
	m.mu.Unlock()
	switch {
	case !known:
		return fmt.Errorf("a relayed frame of %s, who is no member", r.Origin)
	case r.Started < last.started || r.Started == last.started && r.Counter <= last.counter:
		return errors.New("a relayed frame came twice")
	}
	if err := identity.Verify(r.Origin, r.Key, r.Signed(), r.Signature); err != nil {
		return fmt.Errorf("a relayed frame of %s: %w", r.Origin, err)
	}
	m.mu.Lock()
	m.relayed[r.Origin] = relayedFrom{r.Started, r.Counter}
	m.mu.Unlock()
	f, err := wire.Parse(r.Frame, r.Version)
	if err != nil {
		return fmt.Errorf("a relayed frame of %s: %w", r.Origin, err)
	}
	return m.frame(r.Origin, f, true)
}
