package muc

import (
	"crypto/subtle"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// join admits from under the nick, or refuses it.
func (r *Room) join(now time.Time, from, nick string, st, x *stanza.Element, kept []*stanza.Element, payload []byte) []Effect {
	if refusal := r.admission(from, nick, st, x); refusal != nil {
		return refusal
	}
	created := len(r.roster.order) == 0
	if created && r.header.created.IsZero() {
		r.header.created = now
	}
	o := &occupant{
		jid: strings.Clone(from), to: address(from), joined: now, presence: payload, automatic: created,
	}
	o.nick, o.bare = strings.Clone(nick), bareJID(o.jid)
	r.roster.add(o)
	var codes []string
	if created && !r.cfg.QuietCreation {
		codes = append(codes, "201")
	}
	effects := r.arrive(nil, o, st.Attr("id"), codes...)
	return append(effects, Joined{Occupant: r.public(o), Presence: view(st, kept)})
}

// admission returns the refusal of a join, nil when nothing speaks against it.
func (r *Room) admission(from, nick string, st, x *stanza.Element) []Effect {
	affiliation := r.header.affiliation(bareJID(from))
	switch {
	case nick == FocusNick || !nickAllowed(from, nick):
		return refuse(from, st, "modify", "not-acceptable", "the nick is the endpoint id")
	case r.cfg.Focus != "" && bareJID(from) == bareJID(r.cfg.Focus):
		return refuse(from, st, "cancel", "not-allowed", "the focus is here already")
	case affiliation == affOutcast:
		return refuse(from, st, "auth", "forbidden", "")
	case r.header.membersOnly && affiliation == affNone:
		return refuse(from, st, "auth", "registration-required", "")
	case r.header.password != "" && !equal(r.header.password, childText(x, nsMUC, "password")):
		return refuse(from, st, "auth", "not-authorized", "")
	case r.roster.nicks[nick] != nil:
		return refuse(from, st, "cancel", "conflict", "")
	case len(r.roster.order) >= r.cfg.Limits.Occupants:
		return refuse(from, st, "wait", "service-unavailable", "the room is full")
	}
	return nil
}

// arrive tells the others that o is here and o who is.
func (r *Room) arrive(effects []Effect, o *occupant, id string, codes ...string) []Effect {
	effects = r.announceOthers(effects, o, id)
	if r.cfg.Focus != "" {
		v := r.envelope("presence", FocusNick)
		v.To = o.jid
		effects = append(effects, deliver(v, r.focusInner()))
	}
	for _, other := range r.roster.order {
		if other == o {
			continue
		}
		v := r.envelope("presence", other.nick)
		v.To = o.jid
		effects = append(effects, deliver(v, append(r.item(other).Bytes(), other.presence...)))
	}
	effects = append(effects, r.selfPresence(o, id, append(codes, "100")...))
	return append(effects, r.subjectFor(o))
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func childText(e *stanza.Element, space, local string) string {
	if c := e.Child(space, local); c != nil {
		return c.Text
	}
	return ""
}
