package conference

import (
	"context"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/sfu"
	"github.com/atoll-mesh/atoll/signaling/muc"
)

// late is how long what another node sent of somebody who came here from there is still taken.
const late = time.Second

// lingering is a source that is pulled no more in a moment: its participant has come here.
type lingering struct {
	source room.SourceName
	until  time.Time
}

// depart makes p, who was exported, a participant of the node to.
func (c *Conference) depart(now time.Time, p *participant, to identity.Name, out *Released) {
	media, layers, effects := c.sfu.Depart(now, p.endpoint, feedback{c})
	if media == nil { // it had no media
		media = c.sfu.JoinRemote(now, p.endpoint, feedback{c})
	}
	out.Participant.Forwarding.Layers = layers
	o, _ := c.muc.Occupant(string(p.endpoint))
	c.applyMUC(now, c.muc.Remove(now, p.jid, muc.Moved))
	c.forget(p)
	p.media = nil
	c.doors.lead(p.endpoint, to)
	r := &remote{node: to, media: media, occupant: room.Occupant{
		Endpoint: p.endpoint, JID: p.jid, Joined: o.Joined, Epoch: p.epoch + 1, Presence: o.Presence, Sources: p.sources,
	}}
	r.media.SetRTT(c.mesh.RTT(to))
	c.remotes[p.endpoint] = r
	c.carried = &out.Pulls
	c.applySFU(now, effects)
	c.setSources(now, r)
	c.carried = nil
}

// linger goes on to take what is on its way of the sources of a remote that comes here.
func (c *Conference) linger(now time.Time, r *remote) {
	for source := range c.wanted {
		if source.Endpoint() == r.occupant.Endpoint {
			delete(c.wanted, source)
		}
	}
	for _, p := range c.flows {
		if p.source.Endpoint() == r.occupant.Endpoint {
			c.lingering = append(c.lingering, lingering{p.source, now.Add(late)})
		}
	}
}

// settled does what follows when an arrival is in: it gives the node that it comes from what that wants.
func (c *Conference) settled(now time.Time, a Arrival) {
	id := a.Participant.Endpoint
	if c.byEndpoint[id] == nil {
		return
	}
	for _, p := range a.Pulls {
		f := wire.Subscribe{Room: c.jid, Sub: p.Sub, Source: p.Source, Height: p.Height, Path: []identity.Name{c.self, a.From}}
		if err := c.subscribe(now, a.From, f); err != nil {
			c.mesh.Misbehaved(a.From, err)
		}
	}
	c.unexpect(now, id)
}

// Media returns the leg of a participant, nil when it has no media, and what it is sent.
func (r *Rooms) Media(ctx context.Context, jid string, endpoint room.EndpointID) (Leg, []wire.Want, error) {
	type media struct {
		leg   Leg
		wants []wire.Want
	}
	found := make(chan media, 1)
	err := r.ask(ctx, jid, func(c *Conference, _ time.Time) error {
		p := c.byEndpoint[endpoint]
		if p == nil {
			return errNoMedia
		}
		var m media
		if p.leg != nil && p.focus.Active() && p.leg.Connected() {
			m.leg = p.leg
		}
		for _, w := range c.sfu.Gets(endpoint) {
			m.wants = append(m.wants, wire.Want{Source: w.Source, Height: w.Height})
		}
		found <- m
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	m := <-found
	return m.leg, m.wants, nil
}

// Expect says that a participant is to come from another node until a time, and what it gets there: the room is opened, and
// what it gets is pulled and kept. Ready is called from the room's loop when the room is open and has asked for everything:
// what is sent after that is not missed.
func (r *Rooms) Expect(jid string, endpoint room.EndpointID, wants []wire.Want, until time.Time, ready func()) error {
	return r.post(jid, true, func(c *Conference, now time.Time) { c.expect(now, endpoint, wants, until, ready) })
}

// Unexpect ends Expect.
func (r *Rooms) Unexpect(jid string, endpoint room.EndpointID) {
	// Without the room there is nothing to end.
	_ = r.post(jid, false, func(c *Conference, now time.Time) { c.unexpect(now, endpoint) })
}

func (c *Conference) expect(now time.Time, endpoint room.EndpointID, wants []wire.Want, until time.Time, ready func()) {
	c.expected[endpoint] = until
	if c.hold(func(c *Conference, now time.Time) {
		if _, still := c.expected[endpoint]; still {
			c.expect(now, endpoint, wants, until, ready)
		}
	}) {
		return
	}
	c.register()
	list := make([]sfu.Want, len(wants))
	for i, w := range wants {
		list[i] = sfu.Want{Source: w.Source, Height: w.Height}
	}
	c.applySFU(now, c.sfu.Expect(now, endpoint, list))
	ready()
}

func (c *Conference) unexpect(now time.Time, endpoint room.EndpointID) {
	if _, ok := c.expected[endpoint]; ok {
		delete(c.expected, endpoint)
		c.applySFU(now, c.sfu.Expect(now, endpoint, nil))
	}
}

// moveDue ends what waited for participants who move.
func (c *Conference) moveDue(now time.Time) {
	for endpoint, until := range c.expected {
		if !now.Before(until) {
			c.unexpect(now, endpoint)
		}
	}
	c.lingering = slices.DeleteFunc(c.lingering, func(l lingering) bool {
		if now.Before(l.until) {
			return false
		}
		if c.remotes[l.source.Endpoint()] == nil {
			c.applyPulls(c.pulls.Forget(l.source))
		}
		return true
	})
}
