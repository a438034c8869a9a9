package conference

import (
	"fmt"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
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

// catchUp makes up for what happened between the moment that an arrival was taken at and now: then it belonged to no node that
// would have told its client.
func (c *Conference) catchUp(now time.Time, a Arrival) {
	p, o := c.byEndpoint[a.Participant.Endpoint], &a.Participant.Occupancy
	if p == nil || len(o.Seen) == 0 {
		return
	}
	saw := make(map[identity.Name]room.ShardVersion, len(o.Seen))
	for _, part := range o.Seen {
		saw[identity.Name(part.Node)] = part.Version
	}
	changed := make(map[identity.Name]bool)
	for node, have := range c.replica.Seen() {
		since := saw[node]
		if node == a.From { // that it left there is a step
			since.Seq++
		}
		if !since.Before(have) {
			continue
		}
		changed[node] = true
		if node == c.self {
			for _, u := range c.replica.Said(since, have) {
				c.applyMUC(now, c.muc.Recall(now, string(p.endpoint), u))
			}
			continue
		}
		if p.recalls == nil {
			p.recalls = make(map[identity.Name]time.Time)
		}
		p.recalls[node] = now.Add(recallTime)
		c.mesh.Send(node, wire.Recall{Room: c.jid, To: p.endpoint, Since: since, Until: have})
	}
	nicks := make([]string, len(o.Others))
	missing := false
	for i, id := range o.Others {
		nicks[i] = string(id)
		_, here := c.muc.Occupant(nicks[i])
		missing = missing || !here
	}
	if len(changed) == 0 && !missing {
		return
	}
	c.applyMUC(now, c.muc.CatchUp(now, string(p.endpoint), nicks, func(nick string) bool {
		if r := c.remotes[room.EndpointID(nick)]; r != nil {
			return changed[r.node]
		}
		return changed[c.self]
	}))
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
