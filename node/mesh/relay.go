package mesh

import (
	"errors"
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// relayedError is what is wrong with a frame that came over another node: the fault of its origin.
type relayedError struct {
	origin identity.Name
	err    error
}

func (e *relayedError) Error() string {
	return fmt.Sprintf("a relayed frame of %s: %v", e.origin, e.err)
}
func (e *relayedError) Unwrap() error { return e.err }

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
	_, known := m.members[r.Origin]
	m.mu.Unlock()
	if !known {
		return nil // not yet, or not any more
	}
	if err := identity.Verify(r.Origin, r.Key, r.Signed(), r.Signature); err != nil {
		return fmt.Errorf("a relayed frame of %s: %w", r.Origin, err)
	}
	if !m.next(r) {
		return nil // it came before, or was overtaken when the way changed, which is nobody's fault
	}
	f, err := wire.Parse(r.Frame, r.Version)
	if errors.Is(err, wire.ErrUnknown) {
		return nil
	}
	if err == nil {
		err = m.frame(r.Origin, f, true)
	}
	if err != nil {
		return &relayedError{r.Origin, err}
	}
	return nil
}

// next reports whether a relayed frame is newer than all that came from its origin, which then is the newest.
func (m *Mesh) next(r wire.Relayed) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.relayed[r.Origin]
	if r.Started < last.started || r.Started == last.started && r.Counter <= last.counter {
		return false
	}
	m.relayed[r.Origin] = relayedFrom{r.Started, r.Counter}
	return true
}
