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

// Seen returns the nicks of those whom the occupants of this node see, but for one of them and the focus.
func (r *Room) Seen(but string) []string {
	all := make([]string, 0, len(r.roster.order))
	for _, o := range r.roster.order {
		if o.nick != but {
			all = append(all, o.nick)
		}
	}
	return all
}

// CatchUp tells an occupant of this node that came from another the presence of those whom pick picks, and the subject.
func (r *Room) CatchUp(_ time.Time, nick string, pick func(nick string) bool) []Effect {
	to := r.roster.nicks[nick]
	if to == nil || !to.local {
		return nil
	}
	var effects []Effect
	for _, o := range r.roster.order {
		if o == to || !pick(o.nick) {
			continue
		}
		v := r.envelope("presence", o.nick)
		v.To = to.jid
		effects = append(effects, deliver(v, append(r.item(o).Bytes(), o.presence...)))
	}
	return append(effects, r.subjectFor(to))
}

// Missed tells an occupant of this node who of those whom it saw elsewhere is gone.
func (r *Room) Missed(_ time.Time, nick string, saw []string) []Effect {
	to := r.roster.nicks[nick]
	if to == nil || !to.local {
		return nil
	}
	var effects []Effect
	for _, n := range saw {
		if r.roster.nicks[n] != nil || n == nick {
			continue
		}
		v := r.envelope("presence", n)
		v.Type, v.To = "unavailable", to.jid
		x := stanza.New(nsUser, "x").With(stanza.New(nsUser, "item", "affiliation", affNone, "role", roleNone))
		effects = append(effects, deliver(v, x.Bytes()))
	}
	return effects
}

// Recall delivers to one occupant of this node what somebody said to all while it was on its way here. Who said it may have left since.
func (r *Room) Recall(_ time.Time, nick string, u room.Utterance) []Effect {
	to := r.roster.nicks[nick]
	if to == nil || !to.local || string(u.From) == nick || max(len(u.ID), len(u.Lang)) > r.cfg.Limits.ID {
		return nil
	}
	v := r.envelope("message", string(u.From))
	v.Type, v.ID, v.Lang = "groupchat", u.ID, u.Lang
	inner := r.heard(v, u.Inner)
	if len(inner) == 0 {
		return nil
	}
	v.To = to.jid
	return []Effect{deliver(v, inner)}
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
