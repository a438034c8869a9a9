package conference

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/mesh"
)

// Mesh is the way to the other nodes.
type Mesh interface {
	// Enter asks the cluster for a room; r gets the answer and whatever comes for the room until Leave.
	Enter(name string, r mesh.Room)
	// Leave ends Enter of the same room.
	Leave(name string, r mesh.Room)
	// Misbehaved notes that a node sent what it may not.
	Misbehaved(node identity.Name, what error)
	// Hold registers the room, with its header, for those who ask.
	Hold(name string, incarnation uint64, header []byte)
	// Send sends a frame that is about the room, and reports whether it is on its way.
	Send(to identity.Name, f wire.Frame) bool
	// Via returns which node to ask for what the target has.
	Via(target identity.Name, allowed func(identity.Name) bool) (identity.Name, bool)
	// Direct reports whether the link to a node is up.
	Direct(node identity.Name) bool
	RTT(peer identity.Name) time.Duration

	// View returns what is known of the cluster.
	View() mesh.View

	NextSub() uint32
	Receive(peer identity.Name, sub uint32, to mesh.Sink)
	Ignore(peer identity.Name, sub uint32)
	Serve(peer identity.Name, sub uint32, to mesh.Sink)
	Refuse(peer identity.Name, sub uint32)
	SendMedia(peer identity.Name, sub uint32, encoding int, class link.Class, packet []byte)
	SendFeedback(peer identity.Name, sub uint32, encoding int, compound []byte)
}

// alone is the mesh of a node without one.
type alone struct{}

func (*alone) Enter(_ string, r mesh.Room)                              { r.Claimed(false, nil) }
func (*alone) Leave(string, mesh.Room)                                  {}
func (*alone) Misbehaved(identity.Name, error)                          {}
func (*alone) Hold(string, uint64, []byte)                              {}
func (*alone) Send(identity.Name, wire.Frame) bool                      { return false }
func (*alone) Direct(identity.Name) bool                                { return false }
func (*alone) RTT(identity.Name) time.Duration                          { return 0 }
func (*alone) NextSub() uint32                                          { return 0 }
func (*alone) Receive(identity.Name, uint32, mesh.Sink)                 {}
func (*alone) Ignore(identity.Name, uint32)                             {}
func (*alone) Serve(identity.Name, uint32, mesh.Sink)                   {}
func (*alone) Refuse(identity.Name, uint32)                             {}
func (*alone) SendFeedback(identity.Name, uint32, int, []byte)          {}
func (*alone) SendMedia(identity.Name, uint32, int, link.Class, []byte) {}
func (*alone) Via(identity.Name, func(identity.Name) bool) (identity.Name, bool) {
	return "", false
}

// peer is the conference as the mesh calls it: everything becomes a letter.
type peer struct{ c *Conference }

func (p peer) Claimed(known bool, header []byte) {
	p.c.mail.add(func(c *Conference, now time.Time) { c.claimed(now, known, header) })
}

func (p peer) Holders(nodes []identity.Name) {
	p.c.mail.add(func(c *Conference, now time.Time) { c.holders(now, nodes) })
}

func (p peer) Reachable(nodes []identity.Name) {
	p.c.mail.add(func(c *Conference, now time.Time) { c.reachable(now, nodes) })
}

func (p peer) Linked(node identity.Name) {
	p.c.mail.add(func(c *Conference, now time.Time) { c.linked(now, node) })
}

func (p peer) Unlinked(node identity.Name) {
	p.c.mail.add(func(c *Conference, now time.Time) { c.unlinked(now, node) })
}

// Frame drops what a loop that stands still cannot take: replicas repair themselves.
func (p peer) Frame(from identity.Name, f wire.Frame) {
	p.c.mail.put(func(c *Conference, now time.Time) { c.frame(now, from, f) })
}
