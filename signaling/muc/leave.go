package muc

import (
	"time"

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

// remove takes o out of the room, tells everybody, answers the IQs that o will not answer, and finds a moderator.
func (r *Room) remove(now time.Time, o *occupant, d departure) []Effect {
	effects := []Effect{Left{Occupant: r.public(o), Cause: d.cause}}
	if d.cause == Moved { // its requests stay: who comes back under the nick answers them
		r.roster.remove(o)
		return r.closeIfEmpty(effects)
	}
	v := r.envelope("presence", o.nick)
	v.Type = "unavailable"
	own := v
	own.To, own.ID = o.jid, d.id
	codes := make([]string, 0, 2)
	if code := d.cause.status(); code != "" {
		codes = append(codes, code)
	}
	effects = append(effects, deliver(own, r.farewell(o, d, append(codes, "110")).Bytes()))
	r.roster.remove(o)
	effects = r.spread(effects, v, r.farewell(o, d, codes).Bytes())
	for _, lost := range r.pending.forget(now, o.nick) {
		effects = append(effects, r.unanswered(lost)...)
	}
	effects = r.promote(effects)
	return r.closeIfEmpty(effects)
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
	if requester == nil {
		return nil
	}
	request := stanza.New(nsClient, "iq", "type", "get", "id", lost.id, "to", r.cfg.JID+"/"+lost.responder)
	return refuse(requester.jid, request, "wait", "recipient-unavailable", "")
}

func (r *Room) closeIfEmpty(effects []Effect) []Effect {
	if len(r.roster.order) > 0 {
		return effects
	}
	r.forget()
	return append(effects, Empty{})
}
