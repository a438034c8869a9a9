package muc

import (
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// maxJID is the longest JID of RFC 7622 3.1.
const maxJID = 3071

// change is one item of a muc#admin request that was found to be allowed.
type change struct {
	target      *occupant // nil when the item speaks of somebody who is not here
	bare        string
	role        string // empty: the affiliation changes
	affiliation string
	reason      string
}

// refusal is why an item is not allowed.
type refusal struct{ kind, condition, text string }

// administer applies a muc#admin request of o: all of its items or none.
func (r *Room) administer(now time.Time, o *occupant, st, q *stanza.Element) []Effect {
	var changes []change
	for _, item := range q.Children {
		if item.Space != nsAdmin || item.Local != "item" {
			continue
		}
		c, no := r.change(o, item, len(changes))
		if no == nil && len(changes) == r.cfg.Limits.Items {
			no = &refusal{"modify", "policy-violation", "too many items"}
		}
		if no != nil {
			return refuse(o.jid, st, no.kind, no.condition, no.text)
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 {
		return refuse(o.jid, st, "modify", "bad-request", "no item")
	}
	actor := o.nick
	effects, left := []Effect(nil), false
	for _, c := range changes {
		effects, left = r.apply(effects, now, actor, c, left)
	}
	effects = r.settle(now, r.reveal(now, effects))
	effects = append(effects, answer(o.jid, stanza.Result(st))...)
	if left {
		effects = r.closeIfEmpty(effects)
	}
	return effects
}

// change reads one item, which so many others of the same request precede, and decides whether o may do what it says.
func (r *Room) change(o *occupant, item *stanza.Element, earlier int) (change, *refusal) {
	c := change{role: item.Attr("role"), affiliation: item.Attr("affiliation"), reason: childText(item, nsAdmin, "reason")}
	nick, jid := item.Attr("nick"), item.Attr("jid")
	if len(jid) > maxJID {
		return c, &refusal{"modify", "jid-malformed", ""}
	}
	if len(c.reason) > r.cfg.Limits.Reason {
		return c, &refusal{"modify", "policy-violation", "reason too long"}
	}
	if bareJID(jid) == r.cfg.JID {
		nick, jid = resource(jid), ""
	}
	switch {
	case r.role(o) != roleModerator:
		return c, &refusal{"auth", "forbidden", "only moderators may"}
	case (c.role == "") == (c.affiliation == ""):
		return c, &refusal{"modify", "bad-request", "a role or an affiliation is needed"}
	case nick == "" && jid == "":
		return c, &refusal{"modify", "bad-request", "a nick or a jid is needed"}
	case r.cfg.Focus != "" && (nick == FocusNick || bareJID(jid) == bareJID(r.cfg.Focus)):
		return c, &refusal{"cancel", "not-allowed", "the focus stays what it is"}
	}
	c.bare = bareJID(jid)
	c.target = r.roster.nicks[nick]
	if c.target == nil {
		c.target = r.present(jid)
	}
	if c.target != nil {
		c.bare = c.target.bare
	} else if c.bare == "" || c.role != "" {
		return c, &refusal{"cancel", "item-not-found", ""}
	}
	if c.role != "" {
		return c, r.roleRefusal(o, c, earlier)
	}
	return c, r.affiliationRefusal(o, c, earlier)
}

// present returns the first occupant with the full or bare JID.
func (r *Room) present(jid string) *occupant {
	if jid == "" {
		return nil
	}
	if o := r.roster.jids[jid]; o != nil {
		return o
	}
	for _, o := range r.roster.order {
		if o.bare == bareJID(jid) {
			return o
		}
	}
	return nil
}

func (r *Room) roleRefusal(o *occupant, c change, earlier int) *refusal {
	switch c.role {
	case roleModerator:
		if !r.header.moderators[c.target.nick] && (len(r.header.moderators)+earlier >= r.cfg.Limits.Affiliations || r.full(earlier)) {
			return &refusal{"wait", "resource-constraint", "too many moderators"}
		}
		return nil
	case roleNone, roleParticipant:
		if r.affiliation(c.target) == affOwner && (r.affiliation(o) != affOwner || c.role == roleParticipant) {
			return &refusal{"cancel", "not-allowed", "an owner is a moderator"}
		}
		return nil
	}
	return &refusal{"cancel", "feature-not-implemented", "no such role here"}
}

func (r *Room) affiliationRefusal(o *occupant, c change, earlier int) *refusal {
	switch c.affiliation {
	case affOwner, affMember, affNone, affOutcast:
	default:
		return &refusal{"cancel", "feature-not-implemented", "no such affiliation here"}
	}
	_, known := r.header.affiliations[c.bare]
	switch {
	case r.affiliation(o) != affOwner:
		return &refusal{"auth", "forbidden", "only owners may"}
	case !strings.Contains(c.bare, "@"):
		return &refusal{"modify", "jid-malformed", "an affiliation is that of a person"}
	case c.bare == o.bare && c.affiliation == affOutcast:
		return &refusal{"cancel", "conflict", "nobody bans himself"}
	case c.affiliation != affOwner && r.lastOwner(c.bare):
		return &refusal{"cancel", "conflict", "a room has an owner"}
	case !known && c.affiliation != affNone && (len(r.header.affiliations)+earlier >= r.cfg.Limits.Affiliations || r.full(earlier)):
		return &refusal{"wait", "resource-constraint", "too many affiliations"}
	}
	return nil
}

// full tells whether the header has no place for one more field of a person after so many others.
func (r *Room) full(earlier int) bool {
	return r.header.size()+(earlier+1)*(maxJID+fieldOverhead) > r.cfg.Limits.Header
}

// lastOwner tells whether everybody here who is owner has the bare JID.
func (r *Room) lastOwner(bare string) bool {
	for _, o := range r.roster.order {
		if o.bare != bare && r.affiliation(o) == affOwner {
			return false
		}
	}
	return true
}

// apply does what an item says. Earlier items may have removed its target. It returns whether somebody of this node left.
func (r *Room) apply(effects []Effect, now time.Time, actor string, c change, left bool) ([]Effect, bool) {
	expel := func(o *occupant, cause Cause) {
		left = left || o.local
		effects = r.drop(effects, now, o, departure{cause: cause, actor: actor, reason: c.reason})
		if !o.local { // its own node has yet to hear of it
			r.hidden[o.nick] = o
		}
	}
	if c.role != "" {
		if r.roster.jids[c.target.jid] != c.target {
			return effects, left
		}
		switch c.role {
		case roleNone:
			r.putKick(now, c.target, actor, c.reason)
			expel(c.target, Kicked)
		case roleModerator:
			r.keepOwner()
			r.appoint(c.target.nick, true)
		case roleParticipant:
			r.appoint(c.target.nick, false)
		}
		return effects, left
	}
	if c.affiliation == affOwner {
		r.keepOwner()
	}
	r.putAffiliation(c.bare, c.affiliation)
	for _, o := range slices.Clone(r.roster.order) {
		if o.bare != c.bare || c.affiliation == affOwner {
			continue
		}
		if c.affiliation == affOutcast {
			expel(o, Banned)
			continue
		}
		r.appoint(o.nick, false)
	}
	return effects, left
}

// listed answers a request for the occupants with a role or the people with an affiliation.
func (r *Room) listed(o *occupant, st, q *stanza.Element) []Effect {
	item := q.Child(nsAdmin, "item")
	switch {
	case item == nil || (item.Attr("role") == "") == (item.Attr("affiliation") == ""):
		return refuse(o.jid, st, "modify", "bad-request", "a role or an affiliation is needed")
	case r.role(o) != roleModerator:
		return refuse(o.jid, st, "auth", "forbidden", "only moderators may")
	}
	list := stanza.New(nsAdmin, "query")
	role, affiliation := item.Attr("role"), item.Attr("affiliation")
	shown := make(map[string]bool)
	for _, other := range r.roster.order {
		if role == r.role(other) || affiliation == r.affiliation(other) {
			shown[other.bare] = true
			list.With(stanza.New(nsAdmin, "item", "nick", other.nick, "jid", other.jid,
				"role", r.role(other), "affiliation", r.affiliation(other)))
		}
	}
	for _, bare := range r.header.with(affiliation) {
		if !shown[bare] {
			list.With(stanza.New(nsAdmin, "item", "jid", bare, "affiliation", affiliation))
		}
	}
	return answer(o.jid, stanza.Result(st, list))
}
