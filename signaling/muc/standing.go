package muc

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// standing is what the item of an occupant shows.
type standing struct{ role, affiliation string }

func (r *Room) affiliation(o *occupant) string {
	if r.automatic == o.nick {
		return affOwner
	}
	return r.header.affiliation(o.bare)
}

func (r *Room) role(o *occupant) string {
	if r.header.moderators[o.nick] || r.affiliation(o) == affOwner {
		return roleModerator
	}
	return roleParticipant
}

func (r *Room) standing(o *occupant) standing { return standing{r.role(o), r.affiliation(o)} }

// choose finds the automatic owner: nobody while there is an explicit one. Who can become it is the first of all, the
// moderators, and who is it.
func (r *Room) choose(now time.Time) {
	r.candidates = r.candidates[:0]
	for bare, a := range r.header.affiliations {
		if a == affOwner && len(r.roster.bares[bare]) > 0 {
			r.stand(r.roster.bares[bare][0])
		}
	}
	for nick := range r.header.moderators {
		r.stand(r.roster.nicks[nick])
	}
	if len(r.roster.order) > 0 {
		r.stand(r.roster.order[0])
	}
	r.stand(r.roster.nicks[r.automatic])
	next := string(r.moderator.Choose(now, r.candidates))
	if next != r.automatic {
		r.stale = append(r.stale, r.automatic, next)
		r.automatic = next
	}
}

// stand adds o, when it is somebody, to those who can become owner.
func (r *Room) stand(o *occupant) {
	if o == nil || slices.ContainsFunc(r.candidates, func(c room.Candidate) bool { return string(c.Endpoint) == o.nick }) {
		return
	}
	r.candidates = append(r.candidates, room.Candidate{
		Endpoint: room.EndpointID(o.nick), Joined: o.joined,
		Appointed: r.header.moderators[o.nick], Owner: r.header.affiliation(o.bare) == affOwner,
	})
}

// elect finds the automatic owner after somebody came or went and tells everybody, but not who was told just now, when it is
// another.
func (r *Room) elect(now time.Time, effects []Effect, told ...*occupant) []Effect {
	if !r.unsettled.IsZero() {
		return r.settle(now, effects)
	}
	r.choose(now)
	for _, nick := range r.stale {
		if o := r.roster.nicks[nick]; o != nil {
			effects = r.show(effects, o, told...)
		}
	}
	r.stale = r.stale[:0]
	return effects
}

// settle does the same after the header changed or somebody moved here, for everybody's role and affiliation.
func (r *Room) settle(now time.Time, effects []Effect) []Effect {
	r.choose(now)
	r.stale, r.unsettled = r.stale[:0], time.Time{}
	for _, o := range r.roster.order {
		effects = r.show(effects, o)
	}
	return effects
}

// show tells everybody the role and affiliation of o when they saw another last.
func (r *Room) show(effects []Effect, o *occupant, told ...*occupant) []Effect {
	s := r.standing(o)
	if s == o.shown {
		return effects
	}
	o.shown = s
	effects = r.announce(effects, o, "", told...)
	return append(effects, RoleChanged{Occupant: r.public(o)})
}

// keepOwner makes the automatic owner an explicit one. With the first grant that somebody makes the room has rights of its
// own making: they must not push the one out of its place who had it until then.
func (r *Room) keepOwner() {
	if o := r.roster.nicks[r.automatic]; o != nil {
		r.putAffiliation(o.bare, affOwner)
	}
}

// Tick does what is due.
func (r *Room) Tick(now time.Time) []Effect {
	next := r.Next()
	if next.IsZero() || now.Before(next) {
		return nil
	}
	var effects []Effect
	for _, o := range r.moving() {
		if !now.Before(o.until) {
			effects = r.drop(effects, now, o, departure{cause: Gone})
		}
	}
	return r.finish(r.elect(now, r.reveal(now, effects)))
}

// Next returns when [Room.Tick] is due, the zero time for never.
func (r *Room) Next() time.Time {
	next := r.moderator.Next()
	for _, o := range r.moving() {
		next = earlier(next, o.until)
	}
	return earlier(next, r.unsettled)
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// moving returns who moved to another node and was not seen there yet.
func (r *Room) moving() []*occupant {
	kept := r.movers[:0]
	for _, o := range r.movers {
		if r.roster.nicks[o.nick] == o && !o.until.IsZero() {
			kept = append(kept, o)
		}
	}
	clear(r.movers[len(kept):])
	r.movers = kept
	return kept
}
