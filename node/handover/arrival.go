package handover

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/node/edge/path"
	"github.com/atoll-mesh/atoll/node/session"
)

// arrival is a path that this node has for a participant of another, who may come here.
type arrival struct {
	m        *Mover
	from     identity.Name
	jid      string
	endpoint room.EndpointID
	move     uint32
	standby  bool
	path     *edge.Path
	timer    *time.Timer

	mu     sync.Mutex
	opened *edge.Leg
	leg    *edge.Leg // opened, once the participant is in its room
	taken  bool      // Take has come: the path is the leg's, or closed
	over   bool
	here   bool     // it is in its room
	held   [][]byte // sealed packets that came before the leg
}

// prepare makes a path for a participant of another node.
func (m *Mover) prepare(from identity.Name, f wire.Prepare) {
	refuse := wire.Prepared{Room: f.Room, Move: f.Move, Code: wire.CodeBusy}
	key := arrivalKey{from, f.Move}
	m.mu.Lock()
	ofPeer := 0
	for k := range m.arrivals {
		if k.from == from {
			ofPeer++
		}
	}
	full := m.closed || m.arrivals[key] != nil || len(m.arrivals) >= mostPrepared || ofPeer >= mostOfPeer
	m.mu.Unlock()
	if full || m.refuses.Load() {
		m.cfg.Mesh.Tell(from, refuse)
		return
	}
	p, err := m.cfg.Edge.Prepare(edge.Credentials{Ufrag: f.Ufrag, Pwd: f.Pwd}, f.Standby)
	if err != nil {
		m.cfg.Log.Warn("no path for a participant of another node", "peer", string(from), "error", err)
		m.cfg.Mesh.Tell(from, refuse)
		return
	}
	a := &arrival{m: m, from: from, jid: f.Room, endpoint: f.Endpoint, move: f.Move, standby: f.Standby, path: p}
	m.mu.Lock()
	m.arrivals[key] = a
	if !f.Standby {
		a.timer = time.AfterFunc(preparedTime, func() { m.spawn(func() { m.expire(key, a) }) })
	}
	m.mu.Unlock()
	p.Redirect(a.up)
	p.Notify(a.notify)
	m.cfg.Mesh.OpenTunnel(from, f.Move, true, a.sealed)
	if f.Standby {
		a.offer()
		return
	}
	if err := m.cfg.Rooms.Expect(f.Room, f.Endpoint, f.Wants, time.Now().Add(preparedTime), a.offer); err != nil {
		m.forget(key)
		m.cfg.Mesh.Tell(from, refuse)
	}
}

// offer tells the other node of the path.
func (a *arrival) offer() {
	e, local := a.m.cfg.Edge, a.path.Local()
	answer := wire.Prepared{
		Room: a.jid, Move: a.move, Ufrag: local.Ufrag, Pwd: local.Pwd, Fingerprint: e.Fingerprint(), Socket: a.m.cfg.Socket,
	}
	for _, c := range e.Candidates() {
		answer.Candidates = append(answer.Candidates, wire.Candidate{Addr: c.Addr, Priority: c.Priority, Foundation: c.Foundation})
	}
	a.m.cfg.Mesh.Tell(a.from, answer)
}

// expire closes a path that nobody took.
func (m *Mover) expire(key arrivalKey, a *arrival) {
	a.mu.Lock()
	taken := a.taken
	a.mu.Unlock()
	if !taken {
		m.forget(key)
	}
}

// up takes a sealed packet from the client before Take: its owner is the other node.
func (a *arrival) up(sealed []byte) {
	a.m.cfg.Mesh.Tunnel(a.from, a.move, true, true, class(sealed), sealed)
}

func (a *arrival) notify(e edge.PathEvent) {
	state := map[edge.PathEvent]wire.State{edge.PathHeard: wire.PathHeard, edge.PathValid: wire.PathValid, edge.PathLost: wire.PathLost}[e]
	a.m.cfg.Mesh.Tell(a.from, wire.PathState{Room: a.jid, Move: a.move, State: state})
}

func (a *arrival) answered(f wire.Answered) {
	a.path.SetRemote(path.Credentials{Ufrag: f.Ufrag, Pwd: f.Pwd})
}

// sealed takes a packet out of the tunnel.
func (a *arrival) sealed(packet []byte, uplink bool) {
	if !uplink {
		_ = a.path.Send(packet) // it goes over the other path too
		return
	}
	a.mu.Lock()
	leg := a.leg
	if leg == nil && !a.over && len(a.held) < mostHeld {
		a.held = append(a.held, append([]byte(nil), packet...))
	}
	a.mu.Unlock()
	if leg != nil {
		leg.Deliver(packet)
	}
}

// take makes the participant one of this node.
func (a *arrival) take(f wire.Take) {
	code := wire.CodeOK
	if err := a.adopt(f); err != nil {
		code = wire.CodeBusy
		a.m.cfg.Log.Warn("a participant of another node is not taken", "peer", string(a.from), "participant", a.endpoint, "error", err)
		if errors.Is(err, errForeign) {
			a.m.cfg.Mesh.Misbehaved(a.from, err)
		}
	}
	clear(f.Value)
	a.m.cfg.Mesh.Tell(a.from, wire.Taken{Room: a.jid, Move: a.move, Code: code})
	if code != wire.CodeOK {
		a.m.forget(arrivalKey{a.from, a.move})
	}
}

var errForeign = errors.New("it is not the one that a path was asked for")

func (a *arrival) adopt(f wire.Take) error {
	a.mu.Lock()
	twice := a.taken || a.over
	a.taken = true
	a.mu.Unlock()
	if twice {
		return errors.New("it was taken before")
	}
	err := a.settle(f)
	if err != nil {
		a.mu.Lock()
		closes := a.opened == nil // else it is a leg's
		a.mu.Unlock()
		if closes {
			a.path.Close()
		}
	}
	return err
}

// settle makes the participant one of this node, for the one Take that counts.
func (a *arrival) settle(f wire.Take) error {
	v, err := session.Decode(f.Value)
	if err != nil {
		return err
	}
	defer v.Wipe()
	if f.Endpoint != a.endpoint || v.Endpoint != a.endpoint || v.Room != a.jid || v.Epoch != f.Epoch {
		return errForeign
	}
	a.path.Redirect(nil) // what the client sends waits
	stream, err := a.m.cfg.Import(v.Stream, false)
	if err != nil {
		return err
	}
	defer stream.Settle()
	arrival := conference.Arrival{Participant: v, Session: stream, From: a.from, Pulls: f.Pulls}
	if v.Media.LocalUfrag != "" {
		arrival.Open = func(r conference.LegReceiver) (conference.Leg, error) { return a.open(v.Media, r) }
	}
	ctx, cancel := context.WithTimeout(a.m.life, takeTime)
	defer cancel()
	if err := a.m.cfg.Rooms.Adopt(ctx, a.jid, []conference.Arrival{arrival}); err != nil {
		stream.Close("")
		return err
	}
	a.begin()
	return nil
}

// open makes the leg: of what the client had at the other node, or for a session that begins.
func (a *arrival) open(media session.Media, r conference.LegReceiver) (conference.Leg, error) {
	var leg *edge.Leg
	var err error
	if len(media.LocalKey) > 0 {
		leg, err = a.m.cfg.Edge.Import(media, r)
	} else {
		leg, err = a.m.cfg.Edge.Begin(a.path, edge.Credentials{Ufrag: media.RemoteUfrag, Pwd: media.RemotePwd}, media.RemoteFingerprint, r)
	}
	if err != nil {
		return nil, fmt.Errorf("open the leg of an arrival: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.opened = leg
	return leg, nil
}

// coming reports whether the participant may arrive in a moment.
func (a *arrival) coming() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.standby && !a.over && !a.here
}

// begin lets in what the client sends, first what waited.
func (a *arrival) begin() {
	a.mu.Lock()
	leg, held := a.opened, a.held
	a.leg, a.held, a.here = leg, nil, true
	a.mu.Unlock()
	if leg == nil {
		a.path.Close()
		return
	}
	for _, packet := range held {
		leg.Deliver(packet)
	}
	leg.Resume()
}

// drop closes the tunnel, and the path unless it is taken: the other node gave the participant away with Take, and does not take it
// back because it is not heard any more.
func (a *arrival) drop() {
	a.mu.Lock()
	closes := !a.taken
	a.over, a.held = true, nil
	a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
	a.m.cfg.Mesh.CloseTunnel(a.from, a.move, true)
	if closes {
		a.path.Close()
	}
	if !a.standby {
		a.m.cfg.Rooms.Unexpect(a.jid, a.endpoint)
	}
}
