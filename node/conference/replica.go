package conference

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/signaling/muc"
)

// hold keeps l until the room is open, and reports whether it did.
func (c *Conference) hold(l letter) bool {
	if c.open {
		return false
	}
	if len(c.held) < mailboxLimit {
		c.held = append(c.held, l)
	}
	return true
}

// register tells the directory that the room is here, and its header.
func (c *Conference) register() {
	if len(c.byEndpoint)+len(c.expected) == 0 {
		return
	}
	c.mesh.Hold(c.jid, c.replica.Version().Incarnation, wire.AppendHeader(nil, []room.State{c.replica.Snapshot()}))
}

// withdraw tells the other nodes that nobody is here any more.
func (c *Conference) withdraw(now time.Time) {
	c.applyPulls(c.pulls.Close())
	c.applyReplica(now, c.replica.Leave(now))
	c.mesh.Leave(c.jid, peer{c})
	for node := range c.relays {
		c.dropRelay(now, node)
	}
	c.dropPulls(func(identity.Name) bool { return true })
}

func (c *Conference) holders(now time.Time, nodes []identity.Name) {
	c.others = nodes
	c.applyReplica(now, c.replica.SetPeers(now, nodes))
	c.reroute(now)
}

func (c *Conference) reachable(now time.Time, nodes []identity.Name) {
	c.applyReplica(now, c.replica.SetReachable(now, nodes))
	c.reroute(now)
}

func (c *Conference) linked(now time.Time, node identity.Name) {
	c.applyReplica(now, c.replica.LinkUp(now, node))
	c.reroute(now)
}

func (c *Conference) unlinked(now time.Time, node identity.Name) {
	c.dropPulls(func(n identity.Name) bool { return n == node })
	c.applyPulls(c.pulls.PeerGone(now, node))
	c.applyServing(now, c.serving.PeerGone(node))
	c.dropRelay(now, node)
	c.reroute(now)
}

// lead says whether this node's room decides about the header.
func (c *Conference) lead() { c.muc.SetAuthority(c.replica.Sequencer() == c.self) }

func (c *Conference) applyReplica(now time.Time, effects []room.Effect) {
	changed := false
	for _, e := range effects {
		switch e := e.(type) {
		case room.Send:
			c.mesh.Send(e.To, wire.Replica{Room: c.jid, Message: e.Message})
		case room.Appeared:
			c.appeared(now, room.Member(e))
		case room.Changed:
			c.changed(now, room.Member(e))
		case room.Vanished:
			c.vanished(now, e.Removal)
		case room.Heard:
			c.applyMUC(now, c.withhold(e.Node, c.muc.Hear(now, e.Utterance)))
		case room.HeaderChanged:
			changed = true
			c.applyMUC(now, c.muc.SetHeader(now, c.replica.Values()))
			if slices.Contains(e.Keys, fieldDestroyed) {
				c.destroyed(now)
			}
		case room.Readmit:
			c.applyMUC(now, c.muc.Readmit(now, string(e.Endpoint)))
		case room.Evict:
			if c.byEndpoint[e.Endpoint] != nil {
				c.applyMUC(now, c.muc.Evict(now, e.Removal))
			}
		case room.SequencerChanged:
			c.lead()
			c.applySFU(now, c.sfu.SetDominant(now, "", nil))
		}
	}
	if changed {
		c.register()
	}
}

// publish tells the other nodes what p is now.
func (c *Conference) publish(now time.Time, p *participant) {
	o, ok := c.muc.Occupant(string(p.endpoint))
	if !ok {
		return
	}
	c.applyReplica(now, c.replica.Put(now, room.Occupant{
		Endpoint: p.endpoint, JID: p.jid, Joined: o.Joined, Epoch: p.epoch, Presence: o.Presence, Sources: p.sources,
	}))
}

// fieldDestroyed is written when an owner destroys the room: who joined up to the time is out; then the reason.
const fieldDestroyed = "destroyed"

func (c *Conference) destroy(now time.Time, e muc.Destroy) {
	effects, err := c.replica.Write(now, []room.Write{{Key: fieldDestroyed, Value: strconv.FormatUint(uint64(e.At), 10) + " " + e.Reason}})
	if err != nil {
		c.log.Error("write the header", "error", err)
	}
	c.applyReplica(now, effects)
}

// destroyed ends the room here when it was destroyed at another node.
func (c *Conference) destroyed(now time.Time) {
	text, reason, _ := strings.Cut(c.replica.Value(fieldDestroyed), " ")
	if at, err := strconv.ParseUint(text, 10, 64); err == nil {
		c.applyMUC(now, c.muc.Destroyed(now, room.Time(at), reason))
	}
}
