package conference

import (
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/route"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/signaling/muc"
)

// frame takes what another node says about the room.
func (c *Conference) frame(now time.Time, from identity.Name, f wire.Frame) {
	var err error
	switch f := f.(type) {
	case wire.Replica:
		effects, wrong := c.replica.Receive(now, from, f.Message)
		c.applyReplica(now, effects)
		c.lagDue(now)
		c.meet(now, from, f.Message)
		err = wrong
	case wire.Command:
		err = c.commanded(now, from, f)
	case wire.Refused:
		c.redirected(now, from, f)
	case wire.Deliver:
		err = c.answered(from, f)
	case wire.Directed:
		if err = c.speaksFor(from, f.From); err == nil {
			c.applyMUC(now, c.muc.Directed(now, muc.Directed{
				From: f.From, To: f.To, Name: f.Name, Type: f.Type, ID: f.ID, Lang: f.Lang, Inner: f.Inner,
			}))
		}
	case wire.Note:
		if err = c.speaksFor(from, f.From); err == nil {
			err = c.noted(f)
		}
	case wire.Order:
		err = c.ordered(now, from, f)
	case wire.Recall:
		err = c.recall(from, f)
	case wire.Recalled:
		err = c.recalled(now, from, f)
	case wire.Dominant:
		if from != c.replica.Sequencer() {
			return // it was, a moment ago
		}
		c.applySFU(now, c.sfu.SetDominant(now, f.Endpoint, f.Previous))
	case wire.Subscribe:
		err = c.subscribe(now, from, f)
	case wire.Update:
		c.applyServing(now, c.serving.Update(from, f))
	case wire.Unsubscribe:
		c.unsubscribe(now, from, f)
	case wire.Subscribed:
		if p, ok := c.flows[f.Sub]; ok && p.at == from && f.Code != wire.CodeOK {
			c.endFlow(f.Sub)
		}
		var sends []route.Send
		sends, err = c.pulls.Answer(now, from, f)
		c.applyPulls(sends)
	default:
		err = fmt.Errorf("frame %T is not for a room", f)
	}
	if err != nil {
		c.mesh.Misbehaved(from, err)
	}
}

// speaksFor returns an error unless the endpoint is served by the node.
func (c *Conference) speaksFor(node identity.Name, endpoint room.EndpointID) error {
	if r := c.remotes[endpoint]; r == nil || r.node != node {
		return fmt.Errorf("%s speaks for %s, whom it does not serve", node, endpoint)
	}
	return nil
}

// noted passes a message of a bridge channel at another node on.
func (c *Conference) noted(f wire.Note) error {
	m, err := bridge.Decode(f.JSON)
	if err != nil {
		return fmt.Errorf("message of %s: %w", f.From, err)
	}
	switch m := m.(type) {
	case bridge.EndpointStats:
		m.From = string(f.From)
		c.tellOthers(nil, m)
	case bridge.EndpointMessage:
		m.From, m.To = string(f.From), string(f.To)
		if f.To != "" {
			c.tell(f.To, m)
		} else {
			c.tellOthers(nil, m)
		}
	default:
		return fmt.Errorf("message of %s: %T is not for others", f.From, m)
	}
	return nil
}

// note tells the other nodes what p says on its bridge channel.
func (c *Conference) note(p *participant, to room.EndpointID, m bridge.Message) {
	if len(c.remotes) == 0 {
		return
	}
	n := wire.Note{Room: c.jid, From: p.endpoint, To: to, JSON: bridge.Encode(m)}
	if to != "" {
		if r := c.remotes[to]; r != nil {
			c.mesh.Send(r.node, n)
		}
		return
	}
	for _, node := range c.others {
		c.mesh.Send(node, n)
	}
}

// ordered mutes a participant of this node for a moderator of another.
func (c *Conference) ordered(now time.Time, from identity.Name, f wire.Order) error {
	if err := c.speaksFor(from, f.Actor); err != nil {
		return err
	}
	if actor, ok := c.muc.Occupant(string(f.Actor)); !ok || !actor.Moderator() {
		return nil // it was, as its node saw it
	}
	if target := c.byEndpoint[f.Target]; target != nil {
		c.applyFocus(now, target, target.focus.Mute(f.Kind, f.Desktop, string(f.Actor)))
	}
	return nil
}
