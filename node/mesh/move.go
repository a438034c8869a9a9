package mesh

import (
	"fmt"
	"sync"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// Mover takes the frames of participants that move. Its methods must not block; Unlinked must not call back into the mesh.
type Mover interface {
	Moved(from identity.Name, f wire.Frame)
	// Unlinked tells that what was agreed with the peer about moves is void.
	Unlinked(peer identity.Name)
}

// SetMover says who takes the frames of participants that move. Without one they are dropped.
func (m *Mesh) SetMover(to Mover) { m.mover.Store(&to) }

// moved gives a frame to the mover. What is about keys counts only from the node itself.
func (m *Mesh) moved(from identity.Name, f wire.Frame, relayed bool) error {
	if relayed {
		return fmt.Errorf("a relayed %T", f)
	}
	if to := m.mover.Load(); to != nil {
		(*to).Moved(from, f)
	}
	return nil
}

// Tell sends a frame to a node that this one is linked with, never over another.
func (m *Mesh) Tell(to identity.Name, f wire.Frame) bool { return m.links.Send(to, wire.Lane(f), f) }

// Linked reports whether there is a link to the node, which is heard.
func (m *Mesh) Linked(to identity.Name) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, linked := m.linked[to]
	return linked && !m.dead[to]
}

// end is this node's end of a tunnel.
type end struct {
	peer   identity.Name
	move   uint32
	theirs bool // the peer gave the number
}

// tunnels are who takes the sealed packets of which tunnel. Reads take no lock.
type tunnels struct{ all sync.Map } // end to func(sealed []byte, uplink bool)

// OpenTunnel has the sealed packets of a tunnel with a peer taken by to, until CloseTunnel. To is called from the link's
// goroutine and must not block; the packet is valid during the call and may be written to.
func (m *Mesh) OpenTunnel(peer identity.Name, move uint32, theirs bool, to func(sealed []byte, uplink bool)) {
	if _, there := m.tunnels.all.Swap(end{peer, move, theirs}, to); !there {
		m.moves(peer, 1)
	}
}

// CloseTunnel ends OpenTunnel.
func (m *Mesh) CloseTunnel(peer identity.Name, move uint32, theirs bool) {
	if _, was := m.tunnels.all.LoadAndDelete(end{peer, move, theirs}); was {
		m.moves(peer, -1)
	}
}

// Tunnel sends a sealed packet, which it copies, to the other end of a tunnel. Theirs says that the peer gave the number,
// uplink that the packet comes from the client.
func (m *Mesh) Tunnel(peer identity.Name, move uint32, theirs, uplink bool, class link.Class, sealed []byte) bool {
	b := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	*b = append(wire.AppendFlow((*b)[:0], wire.Tunnel{Move: move, Theirs: theirs, Uplink: uplink}.Flow()), sealed...)
	sent := m.links.SendMedia(peer, class, *b)
	buffers.Put(b)
	return sent
}

// tunnelled takes a sealed packet from a peer.
func (m *Mesh) tunnelled(peer identity.Name, t wire.Tunnel, sealed []byte) {
	if to, ok := m.tunnels.all.Load(end{peer, t.Move, !t.Theirs}); ok { // what comes late is for nobody
		to.(func([]byte, bool))(sealed, t.Uplink) //nolint:forcetypeassert // the map holds nothing else
	}
}

// SetDraining tells the others that the node takes no new participants, or that it does again.
func (m *Mesh) SetDraining(draining bool) error {
	m.mu.Lock()
	m.meta.Drain = draining
	meta := m.meta
	m.mu.Unlock()
	return m.list.Update(meta)
}
