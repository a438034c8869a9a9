package muc

import (
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Fields of the configuration form.
const (
	fieldSecret      = "muc#roomconfig_roomsecret"
	fieldProtected   = "muc#roomconfig_passwordprotectedroom"
	fieldMembersOnly = "muc#roomconfig_membersonly"
	fieldWhois       = "muc#roomconfig_whois"
	fieldSubject     = "muc#roomconfig_changesubject"
)

// configuration returns the form that owners fill in.
func (r *Room) configuration() *stanza.Element {
	whois := field(fieldWhois, "list-single", "anyone").With(
		stanza.New(nsData, "option", "label", "Anyone").With(stanza.New(nsData, "value").WithText("anyone")))
	return stanza.New(nsOwner, "query").With(form("form", nsRoomConfig,
		flag(fieldProtected, r.header.password != ""),
		field(fieldSecret, "text-private", r.header.password),
		flag(fieldMembersOnly, r.header.membersOnly),
		flag(fieldSubject, r.header.openSubject),
		whois,
	))
}

// configure applies a submitted form, or destroys the room.
func (r *Room) configure(now time.Time, o *occupant, st, q *stanza.Element) []Effect {
	if d := q.Child(nsOwner, "destroy"); d != nil {
		return r.destroy(now, o, st, d)
	}
	x := q.Child(nsData, "x")
	switch {
	case x == nil:
		return refuse(o.jid, st, "modify", "bad-request", "neither a form nor destroy")
	case x.Attr("type") == "cancel":
		return answer(o.jid, stanza.Result(st))
	case x.Attr("type") != "submit":
		return refuse(o.jid, st, "modify", "bad-request", "the form is not submitted")
	}
	next, text := r.configured(submitted(x))
	if text != "" {
		return refuse(o.jid, st, "modify", "not-acceptable", text)
	}
	effects := answer(o.jid, stanza.Result(st))
	before := r.header.settings()
	if next == before {
		return effects
	}
	if next.membersOnly && !before.membersOnly {
		r.enrol()
	}
	if next.password != before.password {
		r.put(room.FieldPassword, next.password)
	}
	if next.membersOnly != before.membersOnly {
		r.put(room.FieldMembersOnly, flagValue(next.membersOnly))
	}
	if next.openSubject != before.openSubject {
		r.put(room.FieldOpenSubject, flagValue(next.openSubject))
	}
	return r.reconfigured(r.settle(now, effects))
}

// maxEnrolled is how many people become members at once: a commit has room for so many fields.
const maxEnrolled = 200

// enrol makes those who are longest in the room members, so that they may come back. The others stay all the same.
func (r *Room) enrol() {
	enrolled := 0
	for _, o := range r.roster.order {
		if r.header.affiliation(o.bare) == affNone && enrolled < maxEnrolled {
			r.putAffiliation(o.bare, affMember)
			enrolled++
		}
	}
}

// reconfigured tells everybody here that the room is set up in another way.
func (r *Room) reconfigured(effects []Effect) []Effect {
	v := r.envelope("message", "")
	v.Type = "groupchat"
	return r.spread(effects, v, withStatus(stanza.New(nsUser, "x"), "104").Bytes())
}

// configured returns the settings after a submitted form, or what is wrong with the form. Fields that are
// absent stay, fields that are unknown are ignored.
func (r *Room) configured(values map[string]string) (next settings, problem string) {
	next = r.header.settings()
	if t, ok := values["FORM_TYPE"]; ok && t != nsRoomConfig {
		return next, "another form"
	}
	if w, ok := values[fieldWhois]; ok && w != "anyone" {
		return next, "rooms are not anonymous"
	}
	if secret, ok := values[fieldSecret]; ok {
		if len(secret) > r.cfg.Limits.Password {
			return next, "password too long"
		}
		next.password = secret
	}
	for name, target := range map[string]*bool{fieldMembersOnly: &next.membersOnly, fieldSubject: &next.openSubject} {
		if s, ok := values[name]; ok {
			if *target, ok = isTrue(s); !ok {
				return next, "not a boolean"
			}
		}
	}
	if s, ok := values[fieldProtected]; ok {
		switch protected, ok := isTrue(s); {
		case !ok:
			return next, "not a boolean"
		case !protected:
			next.password = ""
		case next.password == "":
			return next, "a password is missing"
		}
	}
	return next, ""
}

// destroy ends the room on every node.
func (r *Room) destroy(now time.Time, o *occupant, st, d *stanza.Element) []Effect {
	reason := childText(d, nsOwner, "reason")
	if len(reason) > r.cfg.Limits.Reason {
		return refuse(o.jid, st, "modify", "policy-violation", "reason too long")
	}
	at := r.stamp(now)
	for _, other := range r.roster.order {
		at = max(at, other.joined)
	}
	effects := append(answer(o.jid, stanza.Result(st)), Destroy{At: at, Reason: reason})
	return append(effects, r.destroyed(now, at, reason)...)
}

// Destroyed ends the room because an owner destroyed it at another node: who joined up to the time is out, whichever node
// serves it.
func (r *Room) Destroyed(now time.Time, at room.Time, reason string) []Effect {
	return r.finish(r.destroyed(now, at, reason))
}

// destroyed removes everybody who joined up to the time. Each is told of itself only (XEP-0045 10.9), who came later of all.
func (r *Room) destroyed(now time.Time, at room.Time, reason string) []Effect {
	note := stanza.New(nsUser, "destroy")
	if reason != "" {
		note.With(stanza.New(nsUser, "reason").WithText(reason))
	}
	over := func(o *occupant) bool { return o.joined <= at }
	maps.DeleteFunc(r.hidden, func(_ string, o *occupant) bool { return over(o) })
	here := len(r.roster.here)
	var effects []Effect
	var gone []*occupant
	for _, other := range slices.Clone(r.roster.order) {
		if !over(other) {
			continue
		}
		if other.local {
			v := r.envelope("presence", other.nick)
			v.Type, v.To = "unavailable", other.jid
			effects = append(effects, Left{Occupant: r.public(other), Cause: Destroyed, Reason: reason},
				deliver(v, r.farewell(other, departure{extra: note}, []string{"110"}).Bytes()))
		}
		r.roster.remove(other)
		gone = append(gone, other)
	}
	for _, o := range gone {
		effects = r.unseen(effects, now, o, departure{cause: Destroyed}, nil)
	}
	effects = r.settle(now, r.reveal(now, effects))
	if len(r.roster.here) < here {
		effects = r.closeIfEmpty(effects)
	}
	return effects
}
