package muc

import (
	"bytes"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Export returns what another node needs to go on with the occupancy of the full JID. It changes nothing: follow it by
// Remove with [Moved].
func (r *Room) Export(jid string) (session.Occupancy, bool) {
	o := r.roster.jids[jid]
	if o == nil {
		return session.Occupancy{}, false
	}
	return session.Occupancy{
		Nick: o.nick, Role: r.role(o), Affiliation: r.affiliation(o),
		Presence: bytes.Clone(o.presence), Joined: o.joined,
	}, true
}

// Admit takes over an occupancy that another node exported. Nobody is told, and nothing is checked but the nick: it was
// admitted before. Who has the nick or the JID already is replaced. It returns [Joined] for who is new here, [Updated]
// for who is replaced, and nothing when the nick is not one that the JID may have.
func (r *Room) Admit(now time.Time, jid string, c session.Occupancy) []Effect {
	if !nickAllowed(jid, c.Nick) {
		return nil
	}
	st := r.stored(jid, c)
	kept := believed(st)
	known := false
	for _, old := range []*occupant{r.roster.nicks[c.Nick], r.roster.jids[jid]} {
		if old != nil && r.roster.nicks[old.nick] == old {
			known = known || old.nick == c.Nick
			r.roster.remove(old)
			if old.nick != c.Nick {
				r.pending.forget(now, old.nick)
			}
		}
	}
	if r.header.created.IsZero() {
		r.header.created = c.Joined
	}
	o := &occupant{
		nick: strings.Clone(c.Nick), jid: strings.Clone(jid), to: address(jid), joined: c.Joined, presence: joinBytes(kept),
	}
	o.bare = bareJID(o.jid)
	switch {
	case c.Affiliation == affOwner:
		o.automatic = r.header.affiliation(o.bare) != affOwner
	case c.Role == roleModerator:
		o.appointed = true
	}
	if c.Affiliation == affMember && r.header.affiliation(o.bare) == affNone {
		r.header.setAffiliation(o.bare, affMember)
	}
	r.roster.add(o)
	if known {
		return []Effect{Updated{Occupant: r.public(o), Presence: view(st, kept)}}
	}
	return []Effect{Joined{Occupant: r.public(o), Presence: view(st, kept)}}
}

// stored returns the presence of an exported occupancy as its owner sent it, without children when it cannot be read.
func (r *Room) stored(jid string, c session.Occupancy) *stanza.Element {
	v := stanza.Envelope{Name: "presence", From: jid, To: r.cfg.JID + "/" + c.Nick}
	if len(c.Presence) <= r.cfg.Limits.Presence {
		if st, err := stanza.Parse(v.Append(nil, c.Presence), stanza.Limits{}); err == nil {
			return st
		}
	}
	return stanza.New(nsClient, "presence", "from", v.From, "to", v.To)
}
