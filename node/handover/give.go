package handover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/handover/plan"
	"github.com/atoll-mesh/atoll/node/session"
)

// givenPipe is how long a path stays a pipe for a participant that was given away without a path there: its client has come to the
// other node, which makes one at once.
const givenPipe = 90 * time.Second

// Give hands a participant to a node that its client has come to with its socket, and that waits for it. Its path stays here, a
// pipe, until the other node has one of its own. When the error is nil the other node has it; otherwise it is here, or gone.
func (m *Mover) Give(ctx context.Context, jid string, endpoint room.EndpointID, to identity.Name) error {
	if m.cfg.Keeps {
		return errors.New("give: sessions stay here")
	}
	d := &departure{m: m, to: to, jid: jid, endpoint: endpoint, events: make(chan any, 64)}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errors.New("give: closed")
	}
	m.last = m.last%(wire.FirstTunnel-1) + 1
	d.move = m.last
	m.departures[departureKey{to, d.move}] = d
	m.running.Add(1)
	m.mu.Unlock()
	defer m.running.Done()
	m.cfg.Mesh.OpenTunnel(to, d.move, false, d.sealed)
	event, err := d.hand(ctx)
	if event != plan.Handed {
		d.over()
		return fmt.Errorf("give %s: %w", endpoint, errors.Join(err, errors.New("it was not let go")))
	}
	v := d.released.Participant
	if len(v.Media.LocalKey) == 0 {
		v.Media = session.Media{}
	}
	m.Closed(v.Stream.JID) // one whose path is not here goes on without
	d.send()
	defer v.Wipe()
	if err := d.awaitTaken(ctx); err != nil {
		if back := d.takeBack(m.life); back != nil {
			err = errors.Join(err, back)
		}
		m.cfg.Mesh.Tell(to, wire.Drop{Room: jid, Move: d.move, Ours: true})
		d.over()
		return fmt.Errorf("give %s: %w", endpoint, err)
	}
	m.running.Go(d.pipe)
	return nil
}

// awaitTaken waits for the other node's word.
func (d *departure) awaitTaken(ctx context.Context) error {
	for {
		select {
		case e := <-d.events:
			switch e {
			case plan.Taken:
				return nil
			case plan.Returned, plan.Unlinked:
				return errors.New("the other node did not take it")
			}
		case <-ctx.Done():
			return fmt.Errorf("wait for the other node: %w", ctx.Err())
		}
	}
}

// pipe lets the old path be a pipe until the other node needs it no more.
func (d *departure) pipe() {
	defer d.over()
	timer := time.NewTimer(givenPipe)
	defer timer.Stop()
	for {
		select {
		case e := <-d.events:
			if e == plan.Lost || e == plan.Unlinked {
				return
			}
		case <-timer.C:
			d.m.cfg.Mesh.Tell(d.to, wire.Drop{Room: d.jid, Move: d.move, Ours: true})
			return
		case <-d.m.life.Done():
			return
		}
	}
}
