package standby

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

const (
	patience = 1200 * time.Millisecond // for one answer
	asks     = 8                       // in all
	standbys = 2                       // that are asked
)

// View is who is in the cluster.
type View struct {
	// Alive are the members that can be asked, this node included.
	Alive []identity.Name
	// Standbys are those of them that may keep records: they do not drain.
	Standbys []identity.Name
}

// State is how far a search has come.
type State uint8

// The states of a search.
const (
	Searching State = iota
	Here            // the session is this node's, or is about to be
	Found           // it came with the answer, from its holder or from the record of a dead one
	Refused         // the token is forged
	Unknown         // nobody has it
)

// Search looks for one session. It ends with an answer, or when nobody is left to ask; how long the client waits is its caller's.
type Search struct {
	token   session.Token
	self    identity.Name
	state   State
	at      identity.Name   // where it is said to be, "": nobody says
	holders []identity.Name // where it was said to be and is not
	without []identity.Name // sorted: they are dead or do not have it
	asked   map[identity.Name]int
	to      identity.Name // whose answer is awaited, "": nobody's
	until   time.Time
	count   int
}

// NewSearch returns a search by the node self for the session of a token.
func NewSearch(self identity.Name, t session.Token) *Search {
	return &Search{token: t, self: self, at: identity.Name(t.Node), asked: make(map[identity.Name]int)}
}

// State returns how far the search has come.
func (s *Search) State() State { return s.state }

// Without returns the nodes that are dead or do not have the session, in order.
func (s *Search) Without() []identity.Name { return slices.Clone(s.without) }

// Next returns whom to ask now, or "" and the time until which an answer is awaited. It looks at the view anew each time: whoever
// dies is not waited for. When the state is not Searching it returns nobody.
func (s *Search) Next(now time.Time, v View) (ask identity.Name, until time.Time) {
	if s.state != Searching {
		return "", time.Time{}
	}
	if s.to != "" {
		if now.Before(s.until) && slices.Contains(v.Alive, s.to) {
			return "", s.until
		}
		s.lacks(s.to)
		s.to = ""
	}
	if ask = s.candidate(v); ask == "" || s.count >= asks {
		s.state = Unknown
		return "", time.Time{}
	}
	s.count++
	s.asked[ask] = len(s.without)
	s.to, s.until = ask, now.Add(patience)
	return ask, s.until
}

// candidate returns who is to be asked next, "" when nobody is.
func (s *Search) candidate(v View) identity.Name {
	if s.count == 0 {
		return s.self
	}
	if s.at != "" {
		if slices.Contains(v.Alive, s.at) && !slices.Contains(s.without, s.at) && s.fresh(s.at) {
			return s.at
		}
		s.lacks(s.at)
		s.holders = append(s.holders, s.at)
		s.at = ""
	}
	likely := Choose(s.token.Address, v.Standbys, s.holders)
	for _, n := range likely[:min(len(likely), standbys)] {
		if s.fresh(n) {
			return n
		}
	}
	return ""
}

// fresh reports whether a node may have something else to say than before.
func (s *Search) fresh(n identity.Name) bool {
	knew, asked := s.asked[n]
	return !asked || knew < len(s.without)
}

func (s *Search) lacks(n identity.Name) {
	if at, known := slices.BinarySearch(s.without, n); !known {
		s.without = slices.Insert(s.without, at, n)
	}
}

// Answer takes what a node says. An answer that is not awaited any more is nothing, unless it is the session itself.
func (s *Search) Answer(from identity.Name, code wire.SoughtCode, at identity.Name) {
	itself := code == wire.SoughtSent || code == wire.SoughtRecord || code == wire.SoughtWhole
	if s.state != Searching || from != s.to && !itself {
		return
	}
	s.to = ""
	switch code {
	case wire.SoughtSent:
		s.state = Here
	case wire.SoughtRecord, wire.SoughtWhole:
		s.state = Found
	case wire.SoughtRefused:
		s.state = Refused
	case wire.SoughtAt:
		if at == s.self && from != s.self {
			s.state = Here
			return
		}
		s.at = at
	case wire.SoughtFailed: // it lives: nobody may go on with what is kept of it
		s.state = Unknown
	case wire.SoughtUnknown:
		if from == s.at {
			s.lacks(from)
		}
	}
}
