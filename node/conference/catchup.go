package conference

import (
	"fmt"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/muc"
)

// recallTime is how long the other nodes may take to say again what was said.
const recallTime = 5 * time.Second

// occupancy returns what another node needs to go on with p's place in the room, and how much of the room p has been told.
func (c *Conference) occupancy(p *participant) (session.Occupancy, bool) {
	o, in := c.muc.Export(p.jid)
	for _, nick := range c.muc.Seen(o.Nick) {
		o.Others = append(o.Others, room.EndpointID(nick))
	}
	for node, v := range c.replica.Seen() {
		o.Seen = append(o.Seen, session.Part{Node: string(node), Version: v})
	}
	slices.SortFunc(o.Seen, func(a, b session.Part) int {
		if a.Node < b.Node {
			return -1
		}
		return 1
	})
	return o, in
}

// lag is what an arrival may have missed: what happened between the moment that its value was taken at and now, when it belonged to
// no node that would have told its client.
type lag struct {
	saw    map[identity.Name]room.ShardVersion // of nodes whose part of the room has not been made up for
	others []string
	until  time.Time // then what has not come is not waited for
}

// lagTime is how long the part of a node may take to come that the client was told of and this node does not have.
const lagTime = 10 * time.Second

// catchUp begins to make up for what an arrival missed.
func (c *Conference) catchUp(now time.Time, a Arrival) {
	p, o := c.byEndpoint[a.Participant.Endpoint], &a.Participant.Occupancy
	if p == nil || len(o.Seen) == 0 {
		return
	}
	p.lag = &lag{saw: make(map[identity.Name]room.ShardVersion, len(o.Seen)), until: now.Add(lagTime)}
	for _, part := range o.Seen {
		p.lag.saw[identity.Name(part.Node)] = part.Version
	}
	for node := range c.replica.Seen() {
		if _, told := p.lag.saw[node]; !told {
			p.lag.saw[node] = room.ShardVersion{}
		}
	}
	if v, told := p.lag.saw[a.From]; told { // that it left there is a step
		v.Seq++
		p.lag.saw[a.From] = v
	}
	for _, id := range o.Others {
		p.lag.others = append(p.lag.others, string(id))
	}
	c.makeUp(now, p)
}

// makeUp makes up for the parts of the room that have come as far as the client was told of, and, when all have, tells who is gone.
func (c *Conference) makeUp(now time.Time, p *participant) {
	if p.lag == nil {
		return
	}
	have, late := c.replica.Seen(), !now.Before(p.lag.until)
	for node, since := range p.lag.saw {
		if v, here := have[node]; here && !v.Before(since) {
			delete(p.lag.saw, node)
			if since.Before(v) {
				c.makeUpFor(now, p, node, since, v)
			}
		} else if !here && node != c.self && !slices.Contains(c.others, node) { // it has left the room
			delete(p.lag.saw, node)
		}
	}
	if len(p.lag.saw) > 0 && !late {
		return
	}
	saw := p.lag.others
	p.lag = nil
	c.applyMUC(now, c.muc.Missed(now, string(p.endpoint), saw))
}

// makeUpFor makes up for what happened at one node.
func (c *Conference) makeUpFor(now time.Time, p *participant, node identity.Name, since, until room.ShardVersion) {
	if node == c.self {
		for _, u := range c.replica.Said(since, until) {
			c.applyMUC(now, c.muc.Recall(now, string(p.endpoint), u))
		}
	} else {
		if p.recalls == nil {
			p.recalls = make(map[identity.Name]time.Time)
		}
		p.recalls[node] = now.Add(recallTime)
		c.mesh.Send(node, wire.Recall{Room: c.jid, To: p.endpoint, Since: since, Until: until})
	}
	c.applyMUC(now, c.muc.CatchUp(now, string(p.endpoint), func(nick string) bool {
		if r := c.remotes[room.EndpointID(nick)]; r != nil {
			return r.node == node
		}
		return node == c.self
	}))
}

// withhold leaves out what is said by a node to participants that have not been made up for what it said before: it is said to
// them again, in order.
func (c *Conference) withhold(node identity.Name, effects []muc.Effect) []muc.Effect {
	return slices.DeleteFunc(effects, func(e muc.Effect) bool {
		d, ok := e.(muc.Deliver)
		if !ok {
			return false
		}
		p := c.byJID[d.To]
		if p == nil || p.lag == nil {
			return false
		}
		_, behind := p.lag.saw[node]
		return behind
	})
}

// lagDue makes up for what has come meanwhile, or is not waited for any longer.
func (c *Conference) lagDue(now time.Time) {
	for _, p := range c.byEndpoint {
		c.makeUp(now, p)
	}
}

// recall says again what own clients said.
func (c *Conference) recall(from identity.Name, f wire.Recall) error {
	if err := c.speaksFor(from, f.To); err != nil {
		return nil //nolint:nilerr // it has moved on, or is not seen yet
	}
	for _, u := range c.replica.Said(f.Since, f.Until) {
		c.mesh.Send(from, wire.Recalled{Room: c.jid, To: f.To, Say: u})
	}
	return nil
}

func (c *Conference) recalled(now time.Time, from identity.Name, f wire.Recalled) error {
	p := c.byEndpoint[f.To]
	if p == nil {
		return nil
	}
	until, asked := p.recalls[from]
	switch {
	case !asked:
		return fmt.Errorf("%s says again what nobody asked for", from)
	case now.Before(until):
		c.applyMUC(now, c.muc.Recall(now, string(p.endpoint), f.Say))
	}
	return nil
}
