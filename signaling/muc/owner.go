package muc

import (
	"strings"

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
func (r *Room) configure(o *occupant, st, q *stanza.Element) []Effect {
	if d := q.Child(nsOwner, "destroy"); d != nil {
		return r.destroy(o, st, d)
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
	if next.password == r.header.password && next.membersOnly == r.header.membersOnly && next.openSubject == r.header.openSubject {
		return effects
	}
	if next.membersOnly && !r.header.membersOnly {
		for _, other := range r.roster.order {
			if r.header.affiliation(other.bare) == affNone {
				r.header.setAffiliation(other.bare, affMember)
			}
		}
	}
	r.header.password, r.header.membersOnly, r.header.openSubject = next.password, next.membersOnly, next.openSubject
	v := r.envelope("message", "")
	v.Type = "groupchat"
	return r.spread(effects, v, withStatus(stanza.New(nsUser, "x"), "104").Bytes())
}

// configured returns the header's settings after a submitted form, or what is wrong with the form. Fields that are
// absent stay, fields that are unknown are ignored.
func (r *Room) configured(values map[string]string) (next header, problem string) {
	next = header{password: r.header.password, membersOnly: r.header.membersOnly, openSubject: r.header.openSubject}
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
		next.password = strings.Clone(secret)
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

// destroy removes everybody (XEP-0045 10.9): each is told of itself only.
func (r *Room) destroy(o *occupant, st, d *stanza.Element) []Effect {
	note := stanza.New(nsUser, "destroy")
	reason := childText(d, nsOwner, "reason")
	if len(reason) > r.cfg.Limits.Subject {
		return refuse(o.jid, st, "modify", "policy-violation", "reason too long")
	}
	if reason != "" {
		note.With(stanza.New(nsUser, "reason").WithText(reason))
	}
	effects := answer(o.jid, stanza.Result(st))
	for _, other := range r.roster.order {
		v := r.envelope("presence", other.nick)
		v.Type, v.To = "unavailable", other.jid
		effects = append(effects, Left{Occupant: r.public(other), Cause: Destroyed},
			deliver(v, r.farewell(other, departure{extra: note}, []string{"110"}).Bytes()))
	}
	r.forget()
	return append(effects, Empty{})
}
