package handover

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/node/handover/plan"
	"github.com/atoll-mesh/atoll/node/session"
)

// departure is one participant on its way from here to another node.
type departure struct {
	m        *Mover
	to       identity.Name
	jid      string
	endpoint room.EndpointID
	move     uint32
	events   chan any // plan.Event, wire.Prepared, conference.Answer
	leg      atomic.Pointer[edge.Leg]
	path     atomic.Pointer[edge.Path] // the leg's, once it is only a pipe

	// The rest belongs to the goroutine of Move.
	offered  wire.Prepared
	answer   conference.Answer
	released conference.Released
}

// Move moves a participant to another node and returns how that ended, and why, unless all went well. It may take about 12 s.
func (m *Mover) Move(ctx context.Context, jid string, endpoint room.EndpointID, to identity.Name, way plan.Way) (plan.Outcome, error) {
	leg, wants, err := m.cfg.Rooms.Media(ctx, jid, endpoint)
	if err != nil {
		return plan.Stayed, fmt.Errorf("move %s: %w", endpoint, err)
	}
	d := &departure{m: m, to: to, jid: jid, endpoint: endpoint, events: make(chan any, 64)}
	if l, ok := leg.(*edge.Leg); ok && l != nil {
		d.leg.Store(l)
	} else {
		way = plan.Bare
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return plan.Stayed, errors.New("move: closed")
	}
	m.last = m.last%(wire.FirstTunnel-1) + 1
	d.move = m.last
	m.departures[departureKey{to, d.move}] = d
	m.running.Add(1)
	m.mu.Unlock()
	defer m.running.Done()

	m.cfg.Mesh.OpenTunnel(to, d.move, false, d.sealed)
	p := plan.New(time.Now(), way)
	if !m.cfg.Mesh.Tell(to, wire.Prepare{Room: jid, Endpoint: endpoint, Move: d.move, Wants: wants}) {
		d.post(plan.Unlinked)
	}
	err = d.run(ctx, p)
	d.finish(p)
	return p.Outcome(), err
}

// run follows the plan to its end.
func (d *departure) run(ctx context.Context, p *plan.Move) error {
	timer := time.NewTimer(time.Until(p.Next()))
	defer timer.Stop()
	var why error
	todo := []plan.Effect(nil)
	for p.Outcome() == plan.Under || len(todo) > 0 {
		if len(todo) > 0 {
			next, err := d.do(ctx, p, todo[0])
			if todo = todo[1:]; err != nil {
				why = err
			}
			if next != 0 {
				todo = append(todo, p.Handle(time.Now(), next)...)
			}
			continue
		}
		timer.Reset(time.Until(p.Next()))
		select {
		case e := <-d.events:
			event := plan.Answered
			switch e := e.(type) {
			case plan.Event:
				event = e
			case wire.Prepared:
				if event = plan.Prepared; e.Code != wire.CodeOK {
					event = plan.Refused
				}
				d.offered = e
			case conference.Answer:
				d.answer = e
			}
			todo = p.Handle(time.Now(), event)
		case <-timer.C:
			todo = p.Tick(time.Now())
		case <-d.m.life.Done():
			return errors.New("the node stops")
		}
	}
	if why == nil && (p.Outcome() == plan.Stayed || p.Outcome() == plan.Gone) {
		why = errors.New("the other node did not answer, or its path did not work")
	}
	return why
}

// do carries out an effect and returns the event that follows from it at once.
func (d *departure) do(ctx context.Context, p *plan.Move, e plan.Effect) (plan.Event, error) {
	rooms := d.m.cfg.Rooms
	answered := func(a conference.Answer) { d.post(a) }
	switch e {
	case plan.TellRestart:
		if err := rooms.Restart(ctx, d.jid, d.endpoint, d.to, transport(d.offered), answered); err != nil {
			return plan.Untold, err
		}
	case plan.TellInvite:
		d.duplicate(false)
		d.leg.Store(nil)
		if err := rooms.Reinvite(ctx, d.jid, d.endpoint, d.to, transport(d.offered), answered); err != nil {
			return plan.Untold, err
		}
	case plan.PassAnswer:
		d.m.cfg.Mesh.Tell(d.to, wire.Answered{Room: d.jid, Move: d.move, Ufrag: d.answer.Ufrag, Pwd: d.answer.Pwd})
	case plan.Duplicate:
		d.duplicate(true)
	case plan.Hand:
		return d.hand(ctx)
	case plan.GiveAway:
		d.giveAway(p.Way())
	case plan.TakeBack:
		return 0, d.takeBack(ctx)
	case plan.Drop:
		d.duplicate(false)
		d.m.cfg.Mesh.Tell(d.to, wire.Drop{Room: d.jid, Move: d.move, Ours: true})
	case plan.Done:
	}
	return 0, nil
}

func (d *departure) hand(ctx context.Context) (plan.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, plan.HandTime)
	defer cancel()
	released, err := d.m.cfg.Rooms.Hand(ctx, d.jid, d.endpoint, d.to)
	if released.Participant == nil {
		return plan.Kept, err
	}
	d.released = released
	if d.m.cfg.Left != nil {
		d.m.cfg.Left(released.Participant.Stream, d.endpoint, d.to)
	}
	if l, ok := released.Leg.(*edge.Leg); ok && l != nil && l.Path() != nil {
		d.path.Store(l.Path())
		if len(released.Participant.Media.LocalKey) == 0 { // it was waiting for a client that never came
			l.Close()
			d.path.Store(nil)
		}
	}
	return plan.Handed, err
}

// giveAway sends the participant, with the credentials of the new path, and makes a pipe of the old one.
func (d *departure) giveAway(way plan.Way) {
	v := d.released.Participant
	media := &v.Media
	switch way {
	case plan.Bare:
		media.Wipe()
	default:
		media.LocalUfrag, media.LocalPwd = d.offered.Ufrag, d.offered.Pwd
		media.RemoteUfrag, media.RemotePwd = d.answer.Ufrag, d.answer.Pwd
		if d.answer.Fingerprint != "" {
			media.RemoteFingerprint = d.answer.Fingerprint
		}
	}
	d.send()
}

// send sends the participant and makes a pipe of the old path.
func (d *departure) send() {
	v := d.released.Participant
	if d.m.cfg.Keeps && len(v.Media.LocalKey) > 0 {
		v.Media.Wipe()
	}
	encoded := session.Encode(v)
	d.m.cfg.Mesh.Tell(d.to, wire.Take{
		Room: d.jid, Endpoint: d.endpoint, Move: d.move, Epoch: v.Epoch, Value: encoded, Pulls: d.released.Pulls,
	})
	clear(encoded)
	if p := d.path.Load(); p != nil {
		p.Redirect(func(sealed []byte) { d.m.cfg.Mesh.Tunnel(d.to, d.move, false, true, class(sealed), sealed) })
	}
}

// takeBack goes on with a participant whom the other node did not take.
func (d *departure) takeBack(ctx context.Context) error {
	v := d.released.Participant
	v.Epoch++
	s, err := d.m.cfg.Import(v.Stream, false)
	if err != nil {
		return err
	}
	defer s.Settle()
	// Its client is at a path that nobody serves: it is invited anew when it is back.
	v.Media = session.Media{}
	return d.m.cfg.Rooms.Adopt(ctx, d.jid, []conference.Arrival{{Participant: v, Session: s}})
}

// duplicate has the leg send over both paths, or ends that.
func (d *departure) duplicate(on bool) {
	l := d.leg.Load()
	switch {
	case l == nil:
	case on:
		l.Duplicate(downlink{d})
	default:
		l.Duplicate(nil)
	}
}

// downlink is the tunnel as a pipe to the client.
type downlink struct{ d *departure }

var errTunnel = errors.New("the tunnel does not take packets")

// Send implements edge.Pipe.
func (p downlink) Send(sealed []byte) error {
	if !p.d.m.cfg.Mesh.Tunnel(p.d.to, p.d.move, false, false, class(sealed), sealed) {
		return errTunnel
	}
	return nil
}

// sealed takes a packet out of the tunnel.
func (d *departure) sealed(packet []byte, uplink bool) {
	if !uplink {
		if p := d.path.Load(); p != nil {
			_ = p.Send(packet) // the new path is the better one
		}
		return
	}
	if l := d.leg.Load(); l != nil && l.Deliver(packet) {
		return
	}
	d.m.cfg.Mesh.Tunnel(d.to, d.move, false, true, class(packet), packet)
}

// finish closes what is left of a move, the old path after its time as a pipe.
func (d *departure) finish(p *plan.Move) {
	if v := d.released.Participant; v != nil {
		v.Wipe()
	}
	if d.path.Load() == nil || p.Outcome() == plan.Stayed {
		d.over()
		return
	}
	d.m.running.Go(func() {
		select {
		case <-time.After(pipeTime):
		case <-d.m.life.Done():
		}
		d.m.cfg.Mesh.Tell(d.to, wire.Drop{Room: d.jid, Move: d.move, Ours: true})
		d.over()
	})
}

// over forgets the departure and closes its tunnel and its path.
func (d *departure) over() {
	d.m.mu.Lock()
	delete(d.m.departures, departureKey{d.to, d.move})
	d.m.mu.Unlock()
	d.m.cfg.Mesh.CloseTunnel(d.to, d.move, false)
	if path := d.path.Load(); path != nil {
		path.Close()
	}
}

// post hands an event to the goroutine of the move. There are few; one too many means that nobody is interested any more.
func (d *departure) post(e any) {
	select {
	case d.events <- e:
	default:
	}
}

func (d *departure) prepared(f wire.Prepared) { d.post(f) }

func (d *departure) pathState(s wire.State) {
	switch s {
	case wire.PathValid:
		d.post(plan.Valid)
	case wire.PathLost:
		d.post(plan.Lost)
	}
}

func (d *departure) taken(code wire.Code) {
	if code == wire.CodeOK {
		d.post(plan.Taken)
	} else {
		d.post(plan.Returned)
	}
}

func (d *departure) lost()     { d.post(plan.Lost) }
func (d *departure) unlinked() { d.post(plan.Unlinked) }
