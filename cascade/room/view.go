package room

import (
	"bytes"
	"slices"
)

// seat is what the room shows of one endpoint. It is there as long as some shard has a record of the endpoint.
type seat struct {
	Member // meaningful when shown
	shown  bool
	// epoch is the highest that was seen here, of the occupancy that joined at the time: what has a lower one and did
	// not join later is a leftover.
	epoch  Epoch
	joined Time
}

func (s *seat) leftover(o Occupant) bool { return o.Epoch < s.epoch && o.Joined <= s.joined }

// before reports whether a counts rather than b, of two records of one endpoint.
func (r *Replica) before(a, b Member) bool {
	switch {
	case a.Epoch != b.Epoch:
		return a.Epoch > b.Epoch
	case a.Joined != b.Joined:
		return a.Joined < b.Joined
	case r.config.flaw == dropTieBreak:
		s := r.seats[a.Endpoint]
		return s.shown && s.Node == a.Node
	}
	return a.Node < b.Node
}

// resolve looks again at who has the seat of an endpoint, and tells what changed. why is the removal that led to it, if one did.
func (r *Replica) resolve(id EndpointID, why Removal) {
	s := r.seats[id]
	if s == nil {
		s = &seat{}
		r.seats[id] = s
	}
	var records []Member
	if c, ok := r.own.record(id); ok {
		records = append(records, Member{r.config.Self, c.Occupant})
	}
	for _, name := range r.order {
		if c, ok := r.peers[name].shard.record(id); ok {
			records = append(records, Member{name, c.Occupant})
		}
	}
	for _, m := range records {
		if m.Epoch > s.epoch {
			s.epoch, s.joined = m.Epoch, m.Joined
		}
	}
	var best *Member
	for i, m := range records {
		if _, kicked := r.kicked(m.Occupant); kicked || s.leftover(m.Occupant) {
			continue
		}
		if best == nil || r.before(m, *best) {
			best = &records[i]
		}
	}
	r.show(s, best, why)
	if len(records) == 0 {
		delete(r.seats, id)
	}
	r.evict(id, best)
}

// show puts a member, or nobody, on a seat.
func (r *Replica) show(s *seat, best *Member, why Removal) {
	old := s.Member
	stays := s.shown && best != nil &&
		(best.Epoch > old.Epoch || best.Node == old.Node && best.Epoch == old.Epoch && best.Joined == old.Joined)
	if s.shown && !stays {
		removal := Removal{Endpoint: old.Endpoint, Cause: Gone}
		if kick, ok := r.kicked(old.Occupant); ok {
			removal = kick
		} else if why.Cause != 0 && why.Cause != Moved {
			removal = why
		} else if best != nil {
			removal = Removal{Endpoint: old.Endpoint, Cause: Failed, Reason: conflict}
		}
		r.emit(Vanished{old.Node, removal})
	}
	if s.shown = best != nil; !s.shown {
		return
	}
	s.Member = *best
	if !stays {
		r.emit(Appeared(*best))
	} else if !best.Occupant.looks(old.Occupant) {
		r.emit(Changed(*best))
	}
}

// conflict is the reason of who loses its seat to another that was first.
const conflict = "conflict"

// evict tells the caller once when an own occupant has lost its seat.
func (r *Replica) evict(id EndpointID, best *Member) {
	o, ok := r.own.occupants[id]
	if !ok {
		return
	}
	s := r.stays[id]
	if best != nil && best.Node == r.config.Self {
		s.evicted = false
		return
	}
	if s.evicted {
		return
	}
	s.evicted = true
	removal := Removal{Endpoint: id, Cause: Moved}
	if kick, ok := r.kicked(o.Occupant); ok {
		removal = kick
	} else if best != nil && best.Epoch == o.Epoch {
		removal = Removal{Endpoint: id, Cause: Failed, Reason: conflict}
	}
	r.emit(Evict{removal})
}

// audible reports whether what the occupant of a shard says is to be heard: it, and nobody else with its id, is in the room.
func (r *Replica) audible(o Occupant) bool {
	s := r.seats[o.Endpoint]
	return s != nil && s.shown && o.Joined == s.Joined
}

// looks reports whether others see no difference between two states of an occupant.
func (o Occupant) looks(p Occupant) bool {
	return o.JID == p.JID && o.Joined == p.Joined && o.Epoch == p.Epoch && bytes.Equal(o.Presence, p.Presence) &&
		slices.EqualFunc(o.Sources, p.Sources, func(a, b Source) bool {
			return a.Name == b.Name && a.VideoType == b.VideoType && a.MSID == b.MSID && a.Muted == b.Muted &&
				slices.Equal(a.Encodings, b.Encodings)
		})
}

// resolveAll looks again at the seats of several endpoints, in the order of their joining.
func (r *Replica) resolveAll(touched []Occupant, why Removal) {
	slices.SortFunc(touched, byJoining)
	for i, o := range touched {
		if i > 0 && touched[i-1].Endpoint == o.Endpoint {
			continue
		}
		why.Endpoint = o.Endpoint
		r.resolve(o.Endpoint, why)
	}
}
