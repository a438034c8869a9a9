package conference

import (
	"time"

	"github.com/atoll-mesh/atoll/signaling/focus"
	"github.com/atoll-mesh/atoll/signaling/muc"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// stanza applies what a client sent to the room or to somebody in it.
func (c *Conference) stanza(now time.Time, s Session, st *stanza.Element) {
	c.outside[s.JID()] = s
	c.applyMUC(now, c.muc.Handle(now, s.JID(), st))
	delete(c.outside, s.JID())
}

func (c *Conference) suspended(now time.Time, s Session) {
	if p := c.byJID[s.JID()]; p != nil && p.session == s {
		p.suspendedAt = now
		c.tryRelease(now)
	}
}

func (c *Conference) resumed(now time.Time, s Session) {
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

// shutdown empties the room because the node stops.
func (c *Conference) shutdown(now time.Time) {
	for jid := range c.byJID {
		c.applyMUC(now, c.muc.Remove(now, jid, muc.Gone))
	}
	c.empty = true
}

func (c *Conference) applyMUC(now time.Time, effects []muc.Effect) {
	var left []*participant
	for _, e := range effects {
		switch e := e.(type) {
		case muc.Deliver:
			c.deliver(e.To, e.Stanza)
		case muc.Joined:
			c.joined(now, e)
		case muc.Updated:
			if p := c.byJID[e.Occupant.JID]; p != nil {
				c.applyFocus(now, p, p.focus.Joined(now, focus.ParseCaps(e.Presence)))
			}
		case muc.Left:
			// Stanzas that follow in the same batch still go to the one who left: the Jingle session ends now, the
			// participant is forgotten at the end.
			if p := c.byJID[e.Occupant.JID]; p != nil {
				c.endMedia(now, p, "gone")
				left = append(left, p)
			}
		case muc.FocusIQ:
			if p := c.byJID[e.From.JID]; p != nil && e.IQ.Local == "iq" {
				c.applyFocus(now, p, p.focus.HandleIQ(now, e.IQ))
			}
		case muc.Empty:
			c.empty = true
		}
	}
	for _, p := range left {
		c.forget(p)
	}
	if len(left) > 0 {
		c.headcount(now)
	}
}

func (c *Conference) deliver(jid string, stanza []byte) {
	if p := c.byJID[jid]; p != nil {
		p.session.Send(stanza)
	} else if s := c.outside[jid]; s != nil {
		s.Send(stanza)
	}
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
	c.applyFocus(now, p, p.focus.Joined(now, focus.ParseCaps(e.Presence)))
	c.headcount(now)
}

func (c *Conference) forget(p *participant) {
	if c.byJID[p.jid] != p {
		return
	}
	delete(c.byJID, p.jid)
	delete(c.byEndpoint, p.endpoint)
	c.rooms.leave(p.jid, c)
}

// headcount invites who waits for company and starts the clock of somebody left alone.
func (c *Conference) headcount(now time.Time) {
	if len(c.byEndpoint) < 2 {
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
