package muc

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
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
	o := &occupant{jid: strings.Clone(from), to: address(from), presence: payload, local: true}
	o.nick, o.bare = strings.Clone(nick), bareJID(o.jid)
	o.joined = max(r.stamp(now), r.header.kicks[nick].At+1) // a clock that is behind must not bring the kick back
	if given := childText(x, nsMUC, "password"); given != "" {
		sum := sha256.Sum256([]byte(given))
		o.password = &sum
	}
	r.enter(o)
	r.choose(now)
	o.shown = r.standing(o)
	var codes []string
	if created && r.founded && !r.cfg.QuietCreation {
		codes = append(codes, "201")
	}
	effects := r.arrive(nil, o, st.Attr("id"), codes...)
	effects = append(effects, Joined{Occupant: r.public(o), Presence: view(st, kept)})
	return r.elect(now, effects, o)
}

// enter puts o into the roster.
func (r *Room) enter(o *occupant) {
	if at := o.joined.Clock(); r.created.IsZero() || at.Before(r.created) && r.cfg.Created.IsZero() {
		r.created = at
	}
	r.roster.add(o)
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
	case r.roster.nicks[nick] != nil || r.roster.jids[from] != nil:
		return refuse(from, st, "cancel", "conflict", "")
	case len(r.roster.order) >= r.cfg.Limits.Occupants:
		return refuse(from, st, "wait", "service-unavailable", "the room is full")
	}
	return nil
}

// arrive tells the others that o is here and o who is.
func (r *Room) arrive(effects []Effect, o *occupant, id string, codes ...string) []Effect {
	effects = slices.Grow(r.announceOthers(effects, o, id), len(r.roster.order)+2)
	if r.cfg.Focus != "" {
		v := r.envelope("presence", FocusNick)
		v.To = o.jid
		effects = append(effects, deliver(v, r.focusInner()))
	}
	for _, other := range r.roster.order {
		if other == o {
			continue
		}
		effects = append(effects, addressed(o, "presence", r.face(other)))
	}
	effects = append(effects, r.selfPresence(o, id, append(codes, "100")...))
	return append(effects, r.subjectFor(o))
}

// Readmit asks again whether the occupant of this node may be here, because the header that it was admitted under turned
// out not to be that of the room. Who may not is removed (status 307).
func (r *Room) Readmit(now time.Time, nick string) []Effect {
	o := r.roster.nicks[nick]
	if o == nil || !o.local {
		return nil
	}
	affiliation := r.header.affiliation(o.bare)
	switch {
	case affiliation == affOutcast:
		return r.finish(r.remove(now, o, departure{cause: Banned}))
	case r.header.membersOnly && affiliation == affNone, r.header.password != "" && !o.knows(r.header.password):
		return r.finish(r.remove(now, o, departure{cause: Kicked, reason: "the room was locked"}))
	}
	return nil
}

// knows tells whether o gave the password when it joined. Of who came from another node that is not known.
func (o *occupant) knows(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return o.password != nil && subtle.ConstantTimeCompare(sum[:], o.password[:]) == 1
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func childText(e *stanza.Element, space, local string) string {
	if c := e.Child(space, local); c != nil {
		return c.Text
	}
	return ""
}
