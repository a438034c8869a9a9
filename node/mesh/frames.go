package mesh

import (
	"errors"
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/directory"
	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// handler is the mesh as its links call it.
type handler struct{ m *Mesh }

func (h handler) LinkUp(peer identity.Name, hello wire.Hello) {
	m := h.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.linked[peer] = hello
	m.log.Info("link is up", "peer", string(peer), "region", hello.Region, "build", hello.Build)
	m.directory(m.client.LinkUp(time.Now(), peer))
	for _, e := range m.rooms {
		e.room.Linked(peer)
	}
	m.reachDue = true
	m.settle(time.Now())
}

func (h handler) LinkDown(peer identity.Name, reason error) {
	m := h.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.linked[peer]; !ok {
		return
	}
	delete(m.linked, peer)
	m.log.Info("link is down", "peer", string(peer), "reason", reason)
	for _, e := range m.rooms {
		e.room.Unlinked(peer)
	}
	m.reachDue = true
	m.settle(time.Now())
	if mover := m.mover.Load(); mover != nil {
		(*mover).Unlinked(peer)
	}
}

func (h handler) Liveness(peer identity.Name, s link.State) {
	m := h.m
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, member := m.members[peer]; !member {
		return
	}
	m.dead[peer] = s == link.Dead
	m.announce(now)
	m.live(now)
	m.reachDue = true
	m.settle(now)
}

func (h handler) Frame(peer identity.Name, f wire.Frame) {
	if err := h.m.frame(peer, f, false); err != nil {
		if relayed := (*relayedError)(nil); errors.As(err, &relayed) {
			peer = relayed.origin // the one in between does not read what it passes on
		}
		h.m.links.Misbehaved(peer, err)
	}
}

func (h handler) Datagram(peer identity.Name, datagram []byte, arrived time.Time) {
	h.m.packet(peer, datagram, arrived)
}

// frame takes a frame that a node sent; relayed says that another one passed it on.
func (m *Mesh) frame(from identity.Name, f wire.Frame, relayed bool) error {
	now := time.Now()
	if name := wire.RoomOf(f); name != "" {
		switch f.(type) {
		case wire.Claim, wire.Lease, wire.Release:
			return m.handle(now, from, f, m.service.Handle)
		case wire.ClaimAnswer, wire.Holders:
			return m.handle(now, from, f, m.client.Handle)
		case wire.Prepare, wire.Prepared, wire.Answered, wire.PathState, wire.Take, wire.Taken, wire.Drop:
			return m.moved(from, f, relayed)
		}
		m.deliver(from, name, f)
		return nil
	}
	if _, ok := f.(wire.LinkState); ok && relayed {
		return errors.New("the state of links inside a relayed frame")
	}
	switch f := f.(type) {
	case wire.Seek, wire.Sought, wire.Keep, wire.Amend, wire.Kept, wire.Wipe, wire.ChannelOpen, wire.ChannelOpened, wire.ChannelText, wire.ChannelClosed:
		return m.session(from, f, relayed)
	case wire.LinkState:
		m.mu.Lock()
		defer m.mu.Unlock()
		err := m.table.Learn(now, from, f)
		m.reachDue = true
		m.settle(now)
		return err
	case wire.Relayed:
		if relayed {
			return fmt.Errorf("a relayed frame inside a relayed frame")
		}
		return m.pass(from, f)
	}
	return fmt.Errorf("frame %T at the wrong time", f)
}

// deliver gives a frame to the room that it is about. Who thinks that this node holds a room that it does not is told.
func (m *Mesh) deliver(from identity.Name, name string, f wire.Frame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.rooms[name]; e != nil {
		e.room.Frame(from, f)
		return
	}
	if f, ok := f.(wire.Replica); ok {
		if _, asks := f.Message.(room.Digest); asks {
			m.send(from, wire.Replica{Room: name, Message: room.End{}})
		}
	}
}

// handle gives a frame to an engine of the directory.
func (m *Mesh) handle(now time.Time, from identity.Name, f wire.Frame, engine func(time.Time, identity.Name, wire.Frame) ([]directory.Effect, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	effects, err := engine(now, from, f)
	m.directory(effects)
	if errors.Is(err, directory.ErrFull) { // ours to be sorry for
		m.log.Warn("the directory is full", "peer", string(from))
		return nil
	}
	return err
}
