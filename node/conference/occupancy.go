package conference

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/signaling/focus"
	"github.com/atoll-mesh/atoll/signaling/muc"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// stanza applies what a client sent to the room or to somebody in it.
func (c *Conference) stanza(now time.Time, s Session, st *stanza.Element) {
	if c.hold(func(c *Conference, now time.Time) { c.stanza(now, s, st) }) {
		return
	}
	c.outside[s.JID()] = s
	c.applyMUC(now, c.muc.Handle(now, s.JID(), st))
	delete(c.outside, s.JID())
}

func (c *Conference) suspended(now time.Time, s Session) {
	if c.hold(func(c *Conference, now time.Time) { c.suspended(now, s) }) {
		return
	}
	if p := c.byJID[s.JID()]; p != nil && p.session == s {
		p.suspendedAt = now
		c.tryRelease(now)
	}
}

func (c *Conference) resumed(now time.Time, s Session) {
	if c.hold(func(c *Conference, now time.Time) { c.resumed(now, s) }) {
		return
	}
	if p := c.byJID[s.JID()]; p != nil {
		p.session = s
		p.suspendedAt = time.Time{}
		for _, r := range c.releases {
			if r.wants(p.endpoint) {
				s.Suspend() // it came back before everybody was ready to go
			}
		}
		c.headcount(now)
	}
}

func (c *Conference) closed(now time.Time, s Session, asked bool) {
	if c.hold(func(c *Conference, now time.Time) { c.closed(now, s, asked) }) {
		return
	}
	p := c.byJID[s.JID()]
	if p == nil || p.session != s {
		return
	}
	cause := muc.Gone
	if asked {
		cause = muc.ByItself
	}
	c.applyMUC(now, c.muc.Remove(now, s.JID(), cause))
}

// shutdown empties the room because the node stops. Everybody is told of the own leaving alone: of the others' they would be told by as
// many stanzas as there are pairs of them, and their streams end in a moment.
func (c *Conference) shutdown(now time.Time) {
	if c.hold((*Conference).shutdown) {
		return
	}
	c.stopping = true
	for jid := range c.byJID {
		c.applyMUC(now, slices.DeleteFunc(c.muc.Remove(now, jid, muc.Gone), func(e muc.Effect) bool {
			d, ok := e.(muc.Deliver)
			return ok && d.To != jid
		}))
	}
	c.empty = true
}

func (c *Conference) applyMUC(now time.Time, effects []muc.Effect) {
	var left []*participant
	undone := false // what was written holds no longer: another node decides by now
	for _, e := range effects {
		switch e := e.(type) {
		case muc.Deliver:
			c.deliver(e.To, e.Stanza)
		case muc.Joined:
			c.joined(now, e)
		case muc.Updated:
			if p := c.byJID[e.Occupant.JID]; p != nil {
				c.applyFocus(now, p, p.focus.Joined(now, focus.ParseCaps(e.Presence)))
				c.publish(now, p)
			}
		case muc.Left:
			// Stanzas that follow in the same batch still go to the one who left: the Jingle session ends now, the
			// participant is forgotten at the end.
			if p := c.byJID[e.Occupant.JID]; p != nil {
				c.endMedia(now, p, "gone")
				left = append(left, p)
				c.applyReplica(now, c.replica.Remove(now, removal(e)))
			}
		case muc.FocusIQ:
			if p := c.byJID[e.From.JID]; p != nil && e.IQ.Local == "iq" {
				c.applyFocus(now, p, p.focus.HandleIQ(now, e.IQ))
			}
		case muc.Said:
			c.applyReplica(now, c.replica.Say(now, e.Utterance))
		case muc.Away:
			if r := c.remotes[room.EndpointID(e.To.Nick)]; r != nil {
				c.mesh.Send(r.node, wire.Directed{
					Room: c.jid, From: room.EndpointID(e.From.Nick), To: r.occupant.Endpoint,
					Name: e.Name, Type: e.Type, ID: e.ID, Lang: e.Lang, Inner: e.Inner,
				})
			}
		case muc.Command:
			if p := c.byJID[e.From.JID]; p != nil {
				c.command(now, p, e.Stanza)
			}
		case muc.Write:
			effects, err := c.replica.Write(now, e.Fields)
			if err != nil {
				c.log.Warn("write the header", "error", err)
				undone = true
			}
			c.applyReplica(now, effects)
		case muc.Destroy:
			c.destroy(now, e)
		case muc.Empty:
			c.empty = true
		}
	}
	for _, p := range left {
		c.forget(p)
		if m, ok := c.replica.Occupant(p.endpoint); ok && m.Node != c.self { // it has moved there
			c.appeared(now, m)
		}
	}
	if len(left) > 0 {
		c.headcount(now)
	}
	if undone {
		c.lead()
		c.applyMUC(now, c.muc.SetHeader(now, c.replica.Values()))
	}
}

func (c *Conference) deliver(jid string, stanza []byte) {
	if p := c.byJID[jid]; p != nil {
		p.session.Send(stanza)
	} else if s := c.outside[jid]; s != nil {
		s.Send(stanza)
	} else if r := c.asking; r != nil && r.occupant.JID == jid { // the answer to a command
		c.mesh.Send(r.node, wire.Deliver{Room: c.jid, To: r.occupant.Endpoint, Stanza: stanza})
	}
}

// removal says to the other nodes how somebody left.
func removal(e muc.Left) room.Removal {
	return room.Removal{Endpoint: room.EndpointID(e.Occupant.Nick), Cause: room.Cause(e.Cause), Actor: room.EndpointID(e.Actor), Reason: e.Reason}
}

func (c *Conference) joined(now time.Time, e muc.Joined) {
	s := c.outside[e.Occupant.JID]
	if s == nil {
		return
	}
	c.empty = false
	p := c.newParticipant(s, e.Occupant)
	c.byJID[s.JID()] = p
	c.byEndpoint[p.endpoint] = p
	c.rooms.enter(s.JID(), c)
	c.publish(now, p)
	c.register()
	c.applyFocus(now, p, p.focus.Joined(now, focus.ParseCaps(e.Presence)))
	c.headcount(now)
}

func (c *Conference) forget(p *participant) {
	if c.byJID[p.jid] != p {
		return
	}
	delete(c.byJID, p.jid)
	delete(c.byEndpoint, p.endpoint)
	c.forgetCommands(p.jid)
	c.rooms.leave(p.jid, c)
}

// headcount invites who waits for company and starts the clock of somebody left alone.
func (c *Conference) headcount(now time.Time) {
	if len(c.byEndpoint)+len(c.remotes) < 2 {
		if c.aloneSince.IsZero() {
			c.aloneSince = now
		}
		return
	}
	c.aloneSince = time.Time{}
	for _, p := range c.byEndpoint {
		c.invite(now, p)
	}
}
