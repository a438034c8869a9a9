package mesh

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/directory"
	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// Room is a room at this node. Its methods must not block and must not call back into the mesh.
type Room interface {
	// Claimed answers Enter, once: whether the cluster knows the room, and its header as far as the directory has it.
	Claimed(known bool, header []byte)
	// Holders tells which other nodes hold the room.
	Holders(nodes []identity.Name)
	// Reachable tells which nodes can be reached, directly or over one other. It is called whenever ways to them may have changed.
	Reachable(nodes []identity.Name)
	// Linked tells that frames to the peer arrive from now on, Unlinked that what was agreed with it is void.
	Linked(peer identity.Name)
	Unlinked(peer identity.Name)
	// Frame brings a frame that is about the room.
	Frame(from identity.Name, f wire.Frame)
}

// entry is a room that this node holds.
type entry struct {
	room    Room
	holders []identity.Name
	claimed bool
	held    bool
}

// Enter says that somebody at this node wants into the room. The room is asked for in the directory; the answer comes
// within a quarter of a second.
func (m *Mesh) Enter(name string, r Room) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rooms[name] != nil { // its Leave is on the way: nothing of it is to be found by the claim
		m.directory(m.client.Drop(now, name))
	}
	m.rooms[name] = &entry{room: r}
	// Before the answer, which may come at once: who does not know that the others can be reached takes their place.
	r.Reachable(m.reach)
	for peer := range m.linked {
		r.Linked(peer)
	}
	m.directory(m.client.Claim(now, name))
}

// Hold says that this node holds the room from now on, and what its header is.
func (m *Mesh) Hold(name string, incarnation uint64, header []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.rooms[name]
	switch {
	case e == nil:
	case e.held:
		m.directory(m.client.Update(time.Now(), name, header))
	default:
		e.held = true
		m.directory(m.client.Hold(time.Now(), name, incarnation, header))
	}
}

// Leave says that nobody at this node is in the room any more.
func (m *Mesh) Leave(name string, r Room) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.rooms[name]; e == nil || e.room != r { // it was entered anew meanwhile
		return
	}
	m.directory(m.client.Drop(time.Now(), name))
	delete(m.rooms, name)
}

// Send sends a frame that is about the room to a node, over another when it must. It reports whether it is on its way.
func (m *Mesh) Send(to identity.Name, f wire.Frame) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.send(to, f)
}

// Via returns the node to ask for what the target has: itself, or the best one of those that are allowed.
func (m *Mesh) Via(target identity.Name, allowed func(identity.Name) bool) (identity.Name, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, ok := m.table.Via(time.Now(), target, allowed)
	if _, linked := m.linked[next]; !linked {
		return "", false
	}
	return next, ok
}

// RTT returns the round trip to a node, 0 when it is not known.
func (m *Mesh) RTT(peer identity.Name) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rtt[peer]
}

// directory carries out what the directory's engines want.
func (m *Mesh) directory(effects []directory.Effect) {
	now := time.Now()
	for len(effects) > 0 {
		e := effects[0]
		effects = effects[1:]
		switch e := e.(type) {
		case directory.Send:
			if e.To == m.self {
				more, err := m.local(now, e.Frame)
				if err != nil {
					m.log.Error("own frame of the directory", "error", err)
				}
				effects = append(effects, more...)
			} else {
				m.send(e.To, e.Frame)
			}
		case directory.Claimed:
			if r := m.rooms[e.Room]; r != nil && !r.claimed {
				r.claimed = true
				m.hold(r, e.Holders)
				r.room.Claimed(e.Known, e.Header)
			}
		case directory.HoldersChanged:
			if r := m.rooms[e.Room]; r != nil {
				m.hold(r, e.Nodes)
			}
		}
	}
}

// local gives a frame that the node sends to itself to the other half of the directory.
func (m *Mesh) local(now time.Time, f wire.Frame) ([]directory.Effect, error) {
	switch f.(type) {
	case wire.ClaimAnswer, wire.Holders:
		return m.client.Handle(now, m.self, f)
	}
	return m.service.Handle(now, m.self, f)
}

func (m *Mesh) hold(e *entry, nodes []identity.Name) {
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(n identity.Name) bool { return n == m.self })
	slices.Sort(nodes)
	if !slices.Equal(nodes, e.holders) {
		e.holders = nodes
		e.room.Holders(nodes)
	}
}

// Misbehaved notes that a node sent what it may not.
func (m *Mesh) Misbehaved(node identity.Name, what error) { m.links.Misbehaved(node, what) }

// Direct reports whether the link to a node is up.
func (m *Mesh) Direct(node identity.Name) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.Up(node)
}
