package muc

import (
	"bytes"
	"cmp"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Export returns what another node needs to go on with the occupancy of the full JID. It changes nothing: follow it by
// Remove with [Moved].
func (r *Room) Export(jid string) (session.Occupancy, bool) {
	o := r.roster.jids[jid]
	if o == nil || !o.local {
		return session.Occupancy{}, false
	}
	return session.Occupancy{
		Nick: o.nick, Role: r.role(o), Affiliation: r.affiliation(o),
		Presence: bytes.Clone(o.presence), Joined: o.joined.Clock(),
	}, true
}

// Admit takes over an occupancy that another node exported. Nobody is told, and nothing is checked but the nick, and that
// the occupancy was not ended by the header: it was admitted before. Who has the nick or the JID already is replaced. It
// returns [Joined] for who is new at this node, [Updated] for who is replaced, and nothing when it is refused.
//
// The other way, from this node to another, is Remove with [Moved]: from then on the occupant is one of another node. When
// [Room.Appear] has not confirmed that after ten seconds it is gone.
func (r *Room) Admit(now time.Time, jid string, c session.Occupancy) []Effect {
	if !nickAllowed(jid, c.Nick) {
		return nil
	}
	st := r.stored(jid, c.Nick, c.Presence)
	kept := believed(st)
	o := &occupant{
		nick: strings.Clone(c.Nick), jid: strings.Clone(jid), to: address(jid), joined: room.At(c.Joined),
		presence: joinBytes(kept), local: true, shown: standing{cmp.Or(c.Role, roleParticipant), cmp.Or(c.Affiliation, affNone)},
	}
	o.bare = bareJID(o.jid)
	known := r.roster.nicks[o.nick]
	if known != nil && room.At(known.joined.Clock()) == o.joined {
		o.joined = known.joined
		if o.shown != known.shown { // it and the others saw different things
			o.shown = standing{}
		}
	}
	if _, out := r.outlawed(o); out {
		return nil
	}
	for _, old := range []*occupant{known, r.roster.jids[jid]} {
		if old != nil && r.roster.nicks[old.nick] == old {
			r.roster.remove(old)
			if old.nick != o.nick {
				r.pending.forget(now, old.nick)
			}
		}
	}
	if !r.shared && r.authority { // nobody but the occupancy itself tells of its rights
		switch {
		case c.Affiliation == affMember && r.header.affiliation(o.bare) == affNone:
			r.putAffiliation(o.bare, affMember)
		case c.Affiliation != affOwner && c.Role == roleModerator:
			r.appoint(o.nick, true)
		}
	}
	if c.Affiliation == affOwner && r.automatic == "" && r.header.affiliation(o.bare) != affOwner {
		r.automatic = o.nick
	}
	delete(r.hidden, o.nick)
	r.enter(o)
	r.unsettled = now
	if known != nil && known.local {
		return r.finish([]Effect{Updated{Occupant: r.public(o), Presence: view(st, kept)}})
	}
	return r.finish([]Effect{Joined{Occupant: r.public(o), Presence: view(st, kept)}})
}

// stored returns the presence of an occupancy at another node as its owner sent it, without children when it cannot be
// read.
func (r *Room) stored(jid, nick string, presence []byte) *stanza.Element {
	v := stanza.Envelope{Name: "presence", From: jid, To: r.cfg.JID + "/" + nick}
	if len(presence) <= r.cfg.Limits.Presence {
		if st, err := stanza.Parse(v.Append(nil, presence), passedOn); err == nil {
			return st
		}
	}
	return stanza.New(nsClient, "presence", "from", v.From, "to", v.To)
}
