package room

import (
	"cmp"
	"time"
)

// moderatorHold is how long another has to be first before a present moderator hands over.
const moderatorHold = 2 * time.Second

// Candidate is an occupant who may be the moderator that a room has by itself.
type Candidate struct {
	Endpoint  EndpointID
	Joined    Time
	Appointed bool // by a moderator before
	Owner     bool // moderator by an explicit grant: then the room needs none by itself
}

// Moderator chooses the moderator of a room that has no explicit one. Nodes that see the same occupants choose the same
// one. The zero value is ready.
type Moderator struct {
	shown, first EndpointID
	since        time.Time // when first became another than shown
}

// Choose returns the moderator, "" when the room has an owner or nobody. Of the candidates the appointed ones come first,
// then who joined first. From one who is present to another it changes only when that holds for two seconds.
func (m *Moderator) Choose(now time.Time, candidates []Candidate) EndpointID {
	var first, present *Candidate
	for i := range candidates {
		c := &candidates[i]
		if c.Owner {
			*m = Moderator{}
			return ""
		}
		if first == nil || c.before(*first) {
			first = c
		}
		if c.Endpoint == m.shown {
			present = c
		}
	}
	switch {
	case first == nil:
		*m = Moderator{}
	case present == nil || first == present:
		*m = Moderator{shown: first.Endpoint}
	case first.Endpoint != m.first:
		m.first, m.since = first.Endpoint, now
	case now.Sub(m.since) >= moderatorHold:
		*m = Moderator{shown: first.Endpoint}
	}
	return m.shown
}

// Next returns when Choose will choose another of the same candidates, the zero time when never.
func (m *Moderator) Next() time.Time {
	if m.first == "" {
		return time.Time{}
	}
	return m.since.Add(moderatorHold)
}

func (c Candidate) before(o Candidate) bool {
	if c.Appointed != o.Appointed {
		return c.Appointed
	}
	return cmp.Or(cmp.Compare(c.Joined, o.Joined), cmp.Compare(c.Endpoint, o.Endpoint)) < 0
}
