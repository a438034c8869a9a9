// Package handover moves live participants between nodes: their media, their place in the room and their XMPP stream. It is
// the driver of node/handover/plan, which decides: it asks the other node over the mesh, and has the edge, the rooms and the
// streams of this node do what the plan says.
//
//	 this node (serves)                                    the other node
//	Mover.Move ── Prepare ───────────────────────────────▶ edge.Prepare, Rooms.Expect
//	   Rooms.Restart ◀── Prepared ────────────────────────
//	   leg.Duplicate ═ sealed packets, down ═════════════▶ path.Send
//	   the client answers ── Answered ───────────────────▶ path.SetRemote
//	   leg.Deliver ◀═ sealed packets, up ═════════════════ path.Redirect
//	   Rooms.Hand ◀── PathState valid ────────────────────
//	   path.Redirect ── Take ────────────────────────────▶ streams.Import, edge.Import, Rooms.Adopt
//	                 ◀── Taken ──────────────────────────
//	   3 s later: path.Close ── Drop ────────────────────▶
//
// # Sealed packets
//
// A path is a pipe. Before Take the owner's leg sends each packet over its own path and through the tunnel, and takes what
// comes by either; a browser changes between them when it likes. After Take the old node is the pipe: what its path brings
// goes to the new one, and what comes back through the tunnel because it crossed the Take turns round. Packets for a leg that
// is not there yet wait, at most 128. Nothing is said to the client when the old path is closed.
//
// # Who follows its client
//
// A client whose socket is lost may come to another node, which asks for its session (node/resume). Then the participant goes first and
// its media follows: Give sends Take without a path, the old path is a pipe from then on, and the new node restarts ICE itself as soon
// as the client has resumed ([Mover.Resumed]). The same is done for a participant whose node died ([Mover.Revive]), without a
// pipe. Who does not answer in 2 s, or not over the new path in 3 s more, is invited anew.
//
// # Trust
//
// Only the node that serves a participant can move it, to a node that it chose and has a link with. Take is accepted for a session
// that a client has shown the token of here, and else from the node that asked for the path, for the endpoint and room that it asked for, with the epoch behind the one that the room knows
// ([conference.Rooms.Adopt]). With [Config].Keeps no keys leave the node. Values are wiped when they were sent or taken in. Nothing is written anywhere.
//
// # Bounds
//
// 256 paths are prepared for one node at most, 1024 in all; one that nobody takes is closed after 20 s, unless it was asked
// for as a standby. Each move has one goroutine here, and each Take.
package handover

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/focus"
)

// Mesh is the way to the other node.
type Mesh interface {
	Tell(to identity.Name, f wire.Frame) bool
	OpenTunnel(peer identity.Name, move uint32, theirs bool, to func(sealed []byte, uplink bool))
	CloseTunnel(peer identity.Name, move uint32, theirs bool)
	Tunnel(peer identity.Name, move uint32, theirs, uplink bool, class link.Class, sealed []byte) bool
	Misbehaved(node identity.Name, what error)
}

// Rooms are the rooms of this node.
type Rooms interface {
	Media(ctx context.Context, jid string, endpoint room.EndpointID) (conference.Leg, []wire.Want, error)
	Restart(ctx context.Context, jid string, endpoint room.EndpointID, at identity.Name, t focus.Transport, answered func(conference.Answer)) error
	Reinvite(ctx context.Context, jid string, endpoint room.EndpointID, at identity.Name, t focus.Transport, answered func(conference.Answer)) error
	Hand(ctx context.Context, jid string, endpoint room.EndpointID, to identity.Name) (conference.Released, error)
	Adopt(ctx context.Context, jid string, arrivals []conference.Arrival) error
	Expect(jid string, endpoint room.EndpointID, wants []wire.Want, until time.Time, ready func()) error
	Unexpect(jid string, endpoint room.EndpointID)
	Again(ctx context.Context, jid string, endpoint room.EndpointID, leg conference.Leg) error
}

// Stream is a client's stream that was taken in. Its client is not let in before Settle.
type Stream interface {
	conference.Session
	Settle()
}

// Config is what a Mover needs.
type Config struct {
	Mesh  Mesh
	Edge  *edge.Edge
	Rooms Rooms
	Self  identity.Name
	// Import takes a stream in that another node exported, or with dead one whose node died after it was recorded.
	Import func(value session.Stream, dead bool) (Stream, error)
	// Left is told of a participant that is on its way to another node, before that has it. Nil: nobody wants to know.
	Left func(stream session.Stream, endpoint room.EndpointID, to identity.Name)
	// Expected reports whether a client came here with a resume token and waits for its session. Nil: nobody does.
	Expected func(token string) bool
	Socket   string // scheme and host of this node's WebSockets, for clients that come here
	Log      *slog.Logger
	// Keeps says that no keys leave this node: who is moved has no media, or begins it anew where it goes.
	Keeps bool
}

// Bounds and times.
const (
	mostPrepared = 1024
	mostOfPeer   = 256
	mostHeld     = 128
	preparedTime = 20 * time.Second
	pipeTime     = 3 * time.Second // that the old path stays as a pipe
	takeTime     = 10 * time.Second
)

// Mover moves participants from here to other nodes and from others to here. Safe for concurrent use.
type Mover struct {
	cfg     Config
	refuses atomic.Bool
	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	last       uint32
	departures map[departureKey]*departure
	arrivals   map[arrivalKey]*arrival
	guests     map[string]*guest // by full JID
}

type departureKey struct {
	to   identity.Name
	move uint32
}

type arrivalKey struct {
	from identity.Name
	move uint32
}

// New returns a mover. It runs until Close.
func New(cfg Config) *Mover {
	m := &Mover{cfg: cfg, departures: make(map[departureKey]*departure), arrivals: make(map[arrivalKey]*arrival), guests: make(map[string]*guest)}
	m.life, m.end = context.WithCancel(context.Background())
	return m
}

// Refuse has the mover prepare no more paths for other nodes, or do so again.
func (m *Mover) Refuse(refuse bool) { m.refuses.Store(refuse) }

// Close ends everything. Participants under way stay where they are, or are gone.
func (m *Mover) Close() {
	m.mu.Lock()
	m.closed = true
	all := m.arrivals
	m.arrivals = make(map[arrivalKey]*arrival)
	m.mu.Unlock()
	m.end()
	for _, a := range all {
		a.drop()
	}
	m.running.Wait()
}

// Coming reports whether somebody may arrive in a moment.
func (m *Mover) Coming() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.arrivals {
		if a.coming() {
			return true
		}
	}
	return false
}

// Settle returns when nobody is under way from here any more and the old paths are closed, or when ctx ends.
func (m *Mover) Settle(ctx context.Context) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		m.mu.Lock()
		left := len(m.departures)
		m.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// spawn runs f in a goroutine that Close waits for.
func (m *Mover) spawn(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.running.Go(f)
	return true
}

// Moved takes a frame of another node. It does not block.
func (m *Mover) Moved(from identity.Name, f wire.Frame) {
	switch f := f.(type) {
	case wire.Prepare:
		m.prepare(from, f)
	case wire.Answered:
		if a := m.arrival(from, f.Move, f.Room); a != nil {
			a.answered(f)
		}
	case wire.Take:
		a := m.arrival(from, f.Move, f.Room)
		if a == nil && m.spawn(func() { m.take(from, f) }) {
			return
		}
		if a == nil || !m.spawn(func() { a.take(f) }) {
			m.cfg.Mesh.Tell(from, wire.Taken{Room: f.Room, Move: f.Move, Code: wire.CodeUnknownSource})
		}
	case wire.Prepared:
		if d := m.departure(from, f.Move, f.Room); d != nil {
			d.prepared(f)
		}
	case wire.PathState:
		if d := m.departure(from, f.Move, f.Room); d != nil {
			d.pathState(f.State)
		}
	case wire.Taken:
		if d := m.departure(from, f.Move, f.Room); d != nil {
			d.taken(f.Code)
		}
	case wire.Drop:
		if f.Ours {
			m.forget(arrivalKey{from, f.Move})
		} else if d := m.departure(from, f.Move, f.Room); d != nil {
			d.lost()
		}
	}
}

// Unlinked tells that the link to a node is gone.
func (m *Mover) Unlinked(peer identity.Name) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, d := range m.departures {
		if key.to == peer {
			d.unlinked()
		}
	}
	for key, a := range m.arrivals {
		if key.from == peer && !a.standby {
			delete(m.arrivals, key)
			m.running.Go(a.drop) // not from within the mesh
		}
	}
}

func (m *Mover) arrival(from identity.Name, move uint32, jid string) *arrival {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.arrivals[arrivalKey{from, move}]; a != nil && a.jid == jid {
		return a
	}
	return nil
}

func (m *Mover) departure(to identity.Name, move uint32, jid string) *departure {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := m.departures[departureKey{to, move}]; d != nil && d.jid == jid {
		return d
	}
	return nil
}

func (m *Mover) forget(key arrivalKey) {
	m.mu.Lock()
	a := m.arrivals[key]
	delete(m.arrivals, key)
	m.mu.Unlock()
	if a != nil {
		a.drop()
	}
}

// class is the rank of a sealed packet on a link: what carries it is plain in its header.
func class(sealed []byte) link.Class {
	const opus = 111
	if len(sealed) < 2 || sealed[0] < 128 || sealed[1] >= 192 && sealed[1] < 224 || sealed[1]&0x7f == opus {
		return link.Audio
	}
	return link.Video
}

// transport is what a client is told of a path at another node.
func transport(f wire.Prepared) focus.Transport {
	t := focus.Transport{Ufrag: f.Ufrag, Pwd: f.Pwd, Fingerprint: f.Fingerprint, Socket: f.Socket}
	for _, c := range f.Candidates {
		t.Candidates = append(t.Candidates, focus.Candidate{
			Foundation: c.Foundation, Protocol: "udp", Priority: c.Priority, Addr: netip.AddrPort(c.Addr), Type: "host",
		})
	}
	return t
}
