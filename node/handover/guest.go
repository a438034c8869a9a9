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
	"github.com/atoll-mesh/atoll/node/handover/plan"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/focus"
)

// guest is a participant that came here because its client did, and whose path is not here yet: it is at the node that gave it, or
// died with that. As soon as its client's socket is here the client is told of a path of this node.
type guest struct {
	m        *Mover
	from     identity.Name // who has the path, "": nobody
	move     uint32
	jid      string // of the room
	full     string // JID of the client
	endpoint room.EndpointID

	mu   sync.Mutex
	leg  *edge.Leg
	held [][]byte // sealed packets that came before the leg
	home bool     // a path of this node is being made
	back bool     // the client's socket came meanwhile
	over bool
}

// mostGuests bounds the participants whose path is not here yet.
const mostGuests = 1024

// taken takes a participant that another node gives to the client that came here.
func (m *Mover) take(from identity.Name, f wire.Take) {
	defer clear(f.Value)
	code := wire.CodeOK
	if err := m.welcome(from, f); err != nil {
		code = wire.CodeBusy
		m.cfg.Log.Warn("a participant of another node is not taken", "peer", string(from), "participant", f.Endpoint, "error", err)
	}
	m.cfg.Mesh.Tell(from, wire.Taken{Room: f.Room, Move: f.Move, Code: code})
}

func (m *Mover) welcome(from identity.Name, f wire.Take) error {
	v, err := session.Decode(f.Value)
	if err != nil {
		return err
	}
	defer v.Wipe()
	if v.Endpoint != f.Endpoint || v.Room != f.Room || v.Epoch != f.Epoch || m.cfg.Expected == nil || !m.cfg.Expected(v.Stream.ResumeToken) {
		return errForeign
	}
	g := &guest{m: m, from: from, move: f.Move, jid: f.Room, endpoint: f.Endpoint}
	m.cfg.Mesh.OpenTunnel(from, f.Move, true, g.sealed)
	ctx, cancel := context.WithTimeout(m.life, takeTime)
	defer cancel()
	return g.settle(ctx, v, false, f.Pulls)
}

// Revive goes on with a participant that came as a value: from the record of a dead node, whose counters have jumped, or without
// media.
func (m *Mover) Revive(ctx context.Context, v *session.Participant, dead bool) error {
	g := &guest{m: m, jid: v.Room, endpoint: v.Endpoint}
	return g.settle(ctx, v, dead, nil)
}

// settle makes the participant one of this node.
func (g *guest) settle(ctx context.Context, v *session.Participant, dead bool, pulls []wire.Pull) error {
	stream, err := g.m.cfg.Import(v.Stream, dead)
	if err != nil {
		g.end(false)
		return err
	}
	defer stream.Settle()
	g.full = stream.JID()
	arrival := conference.Arrival{Participant: v, Session: stream, From: g.from, Pulls: pulls}
	if len(v.Media.LocalKey) > 0 {
		arrival.Open = func(r conference.LegReceiver) (conference.Leg, error) { return g.open(v.Media, r) }
		if !g.m.host(g) {
			g.end(false)
			stream.Close("")
			return errors.New("there are too many whose path is not here")
		}
	}
	if err := g.m.cfg.Rooms.Adopt(ctx, g.jid, []conference.Arrival{arrival}); err != nil {
		g.end(false)
		stream.Close("")
		return err
	}
	g.begin()
	return nil
}

// host notes a guest until it has a path here, and reports whether there is room.
func (m *Mover) host(g *guest) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.guests) >= mostGuests {
		return false
	}
	m.guests[g.full] = g
	return true
}

func (g *guest) open(media session.Media, r conference.LegReceiver) (conference.Leg, error) {
	leg, err := g.m.cfg.Edge.Import(media, r)
	if err != nil {
		return nil, fmt.Errorf("open the leg of a guest: %w", err)
	}
	if g.from != "" {
		leg.Attach(g)
	}
	g.mu.Lock()
	g.leg = leg
	g.mu.Unlock()
	return leg, nil
}

// Send implements edge.Pipe: the path is at the other node.
func (g *guest) Send(sealed []byte) error {
	if !g.m.cfg.Mesh.Tunnel(g.from, g.move, true, false, class(sealed), sealed) {
		return errTunnel
	}
	return nil
}

// sealed takes a packet of the client out of the tunnel.
func (g *guest) sealed(packet []byte, uplink bool) {
	if !uplink {
		return
	}
	g.mu.Lock()
	leg := g.leg
	if g.held != nil || leg == nil {
		if !g.over && len(g.held) < mostHeld {
			g.held = append(g.held, append([]byte(nil), packet...))
		}
		leg = nil
	}
	g.mu.Unlock()
	if leg != nil {
		leg.Deliver(packet)
	}
}

// begin lets in what the client sends, first what waited.
func (g *guest) begin() {
	for {
		g.mu.Lock()
		held, leg := g.held, g.leg
		g.held = nil
		g.mu.Unlock()
		if len(held) == 0 || leg == nil {
			return
		}
		for _, packet := range held {
			leg.Deliver(packet)
		}
	}
}

// end forgets the guest and closes the tunnel. With tell the other node is told that its path is not needed any more.
func (g *guest) end(tell bool) {
	g.mu.Lock()
	over := g.over
	g.over, g.held = true, nil
	g.mu.Unlock()
	if over {
		return
	}
	g.m.mu.Lock()
	if g.m.guests[g.full] == g {
		delete(g.m.guests, g.full)
	}
	g.m.mu.Unlock()
	if g.from == "" {
		return
	}
	if tell {
		g.m.cfg.Mesh.Tell(g.from, wire.Drop{Room: g.jid, Move: g.move})
	}
	g.m.cfg.Mesh.CloseTunnel(g.from, g.move, true)
}

// Resumed says that the socket of a client is here.
func (m *Mover) Resumed(full string) {
	m.mu.Lock()
	g := m.guests[full]
	m.mu.Unlock()
	if g == nil {
		return
	}
	g.mu.Lock()
	busy := g.home || g.over || g.leg == nil
	g.back, g.home = g.home, true
	g.mu.Unlock()
	if !busy {
		m.spawn(g.bringHome)
	}
}

// Closed says that a client is gone.
func (m *Mover) Closed(full string) {
	m.mu.Lock()
	g := m.guests[full]
	m.mu.Unlock()
	if g != nil {
		g.end(true)
	}
}

// bringHome makes a path here and has the client use it.
func (g *guest) bringHome() {
	done, err := g.restart()
	switch {
	case done:
		g.end(true)
		return
	case errors.Is(err, errGone):
		g.mu.Lock()
		back := g.back
		g.back, g.home = false, back // when its socket is back
		g.mu.Unlock()
		if back {
			g.m.spawn(g.bringHome)
		}
		return
	}
	g.m.cfg.Log.Info("a participant is invited anew where its client came", "participant", g.endpoint, "reason", err)
	ctx, cancel := context.WithTimeout(g.m.life, takeTime)
	defer cancel()
	g.mu.Lock()
	leg := g.leg
	g.mu.Unlock()
	if err := g.m.cfg.Rooms.Again(ctx, g.jid, g.endpoint, leg); err != nil {
		g.m.cfg.Log.Warn("invite anew", "participant", g.endpoint, "error", err)
	}
	g.end(true)
}

var errGone = errors.New("the client could not be told")

// restart offers the client a path here under the session that it has.
func (g *guest) restart() (done bool, err error) {
	p, err := g.m.cfg.Edge.Prepare(edge.Credentials{}, false)
	if err != nil {
		return false, err
	}
	g.mu.Lock()
	leg := g.leg
	g.mu.Unlock()
	defer func() {
		leg.Duplicate(nil)
		if !done {
			p.Close()
		}
	}()
	valid, answers := make(chan struct{}, 1), make(chan conference.Answer, 1)
	p.Notify(func(e edge.PathEvent) {
		if e == edge.PathValid {
			select {
			case valid <- struct{}{}:
			default:
			}
		}
	})
	p.Redirect(func(sealed []byte) { leg.Deliver(sealed) })
	local := p.Local()
	t := focus.Transport{Ufrag: local.Ufrag, Pwd: local.Pwd, Fingerprint: g.m.cfg.Edge.Fingerprint()}
	for _, c := range g.m.cfg.Edge.Candidates() {
		t.Candidates = append(t.Candidates, focus.Candidate{Foundation: c.Foundation, Protocol: "udp", Priority: c.Priority, Addr: c.Addr, Type: "host"})
	}
	ctx, cancel := context.WithTimeout(g.m.life, takeTime)
	defer cancel()
	answered := func(a conference.Answer) {
		select {
		case answers <- a:
		default:
		}
	}
	leg.Duplicate(p)
	if err := g.m.cfg.Rooms.Restart(ctx, g.jid, g.endpoint, g.m.cfg.Self, t, answered); err != nil {
		return false, fmt.Errorf("%w: %w", errGone, err)
	}
	var answer conference.Answer
	timer := time.NewTimer(plan.AnswerTime)
	defer timer.Stop()
	for {
		select {
		case answer = <-answers:
			p.SetRemote(path.Credentials{Ufrag: answer.Ufrag, Pwd: answer.Pwd})
			timer.Reset(plan.CheckTime)
		case <-valid:
			if err := leg.Take(p, edge.Credentials{Ufrag: answer.Ufrag, Pwd: answer.Pwd}); err != nil {
				return false, err
			}
			return true, nil
		case <-timer.C:
			return false, errors.New("it did not answer, or not over the path here")
		case <-g.m.life.Done():
			return false, errGone
		}
	}
}

// Guests returns how many participants are here whose path is not yet.
func (m *Mover) Guests() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.guests)
}
