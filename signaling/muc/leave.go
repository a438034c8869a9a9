package muc

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// departure is how an occupant leaves.
type departure struct {
	cause  Cause
	id     string // of the stanza that asked for it, empty when none did
	actor  string // nick of who removed it
	reason string
	extra  *stanza.Element // goes into the element of the room
}

// movedGrace is how long who moved to another node may take to be seen there.
const movedGrace = 10 * time.Second

// remove takes o, of this node, out of the room, and finds an owner.
func (r *Room) remove(now time.Time, o *occupant, d departure) []Effect {
	effects := r.reveal(now, r.drop(nil, now, o, d))
	return r.closeIfEmpty(r.elect(now, effects))
}

// drop takes o out of the room and tells everybody.
func (r *Room) drop(effects []Effect, now time.Time, o *occupant, d departure) []Effect {
	if o.local {
		effects = append(effects, Left{Occupant: r.public(o), Cause: d.cause, Actor: d.actor, Reason: d.reason})
	}
	if d.cause == Moved {
		r.goAway(now, o)
		if h := r.hidden[o.nick]; h != nil && h.joined >= o.joined { // its new node was faster
			delete(r.hidden, o.nick)
			effects = append(effects, r.refresh(now, o, Remote{Nick: h.nick, JID: h.jid, Joined: h.joined, Presence: h.presence})...)
		}
		return effects
	}
	codes := make([]string, 0, 2)
	if code := d.cause.status(); code != "" {
		codes = append(codes, code)
	}
	if o.local {
		v := r.envelope("presence", o.nick)
		v.Type, v.To, v.ID = "unavailable", o.jid, d.id
		effects = append(effects, deliver(v, r.farewell(o, d, append(codes, "110")).Bytes()))
	}
	r.roster.remove(o)
	effects = r.unseen(effects, now, o, d, codes)
	if r.authority && d.cause != Gone && d.cause != Failed { // a node that died may come back with its moderators
		r.appoint(o.nick, false)
	}
	return effects
}

// unseen tells everybody that o, who is in the roster no longer, left, and answers the IQs that o will not answer.
func (r *Room) unseen(effects []Effect, now time.Time, o *occupant, d departure, codes []string) []Effect {
	v := r.envelope("presence", o.nick)
	v.Type = "unavailable"
	effects = r.spread(effects, v, r.farewell(o, d, codes).Bytes())
	for _, lost := range r.pending.forget(now, o.nick) {
		effects = append(effects, r.unanswered(lost)...)
	}
	return effects
}

// Evict takes an occupant of this node out of the room for a reason that another node found.
func (r *Room) Evict(now time.Time, gone room.Removal) []Effect {
	o := r.roster.nicks[string(gone.Endpoint)]
	if o == nil || !o.local {
		return nil
	}
	return r.finish(r.remove(now, o, departureOf(gone)))
}

func departureOf(gone room.Removal) departure {
	return departure{cause: Cause(gone.Cause), actor: string(gone.Actor), reason: gone.Reason}
}

// goAway makes o an occupant of another node. Its requests stay: who comes back under the nick answers them.
func (r *Room) goAway(now time.Time, o *occupant) {
	r.roster.remove(o)
	o.local, o.to, o.password = false, nil, nil
	o.until = now.Add(movedGrace)
	r.roster.add(o)
	r.movers = append(r.movers, o)
}

func (r *Room) farewell(o *occupant, d departure, codes []string) *stanza.Element {
	item := stanza.New(nsUser, "item", "affiliation", r.header.affiliation(o.bare), "role", roleNone, "jid", o.jid)
	if d.actor != "" {
		item.With(stanza.New(nsUser, "actor", "nick", d.actor))
	}
	if d.reason != "" {
		item.With(stanza.New(nsUser, "reason").WithText(d.reason))
	}
	x := stanza.New(nsUser, "x").With(item)
	if d.extra != nil {
		x.With(d.extra)
	}
	return withStatus(x, codes...)
}

// unanswered tells the requester of a relayed IQ that nobody is left to answer it.
func (r *Room) unanswered(lost route) []Effect {
	requester := r.roster.nicks[lost.requester]
	if requester == nil || !requester.local {
		return nil
	}
	request := stanza.New(nsClient, "iq", "type", "get", "id", lost.id, "to", r.cfg.JID+"/"+lost.responder)
	return refuse(requester.jid, request, "wait", "recipient-unavailable", "")
}

// closeIfEmpty is called when an occupant of this node left.
func (r *Room) closeIfEmpty(effects []Effect) []Effect {
	if len(r.roster.here) > 0 {
		return effects
	}
	if len(r.roster.order) == 0 {
		r.forget()
	}
	return append(effects, Empty{})
}
