package room

import "github.com/atoll-mesh/atoll/cascade/identity"

// Effect is what follows from a call to a [Replica]. Effects are to be carried out in the order in which they came.
type Effect interface{ effect() }

// Send gives a message to the replica of the room at another node.
type Send struct {
	To      identity.Name
	Message Message
}

// Appeared says that an occupant is in the room now.
type Appeared Member

// Changed says that an occupant who is in the room is told of otherwise, or is served by another node now.
type Changed Member

// Vanished says that an occupant is no longer in the room. Node is where it was shown last.
type Vanished struct {
	Node identity.Name
	Removal
}

// Heard is a message of an occupant to everybody.
type Heard struct {
	Node identity.Name
	Utterance
}

// HeaderChanged names, sorted, the fields of the header whose value is another now.
type HeaderChanged struct{ Keys []string }

// Readmit says that an own occupant was admitted without a restriction that turned out to hold: who may not enter under the
// field has to be removed. It comes once for each write of a restriction.
type Readmit struct {
	Endpoint EndpointID
	Key      string
}

// Evict says that an own occupant lost its place: it was kicked (Kicked), another with its id was here first (Failed),
// or another node serves it now (Moved). The caller ends its session and removes it, with this removal.
type Evict struct{ Removal }

// SequencerChanged says who writes the header now.
type SequencerChanged struct{ Node identity.Name }

// Member is an occupant and the node that serves it.
type Member struct {
	Node identity.Name
	Occupant
}

func (Send) effect()             {}
func (Appeared) effect()         {}
func (Changed) effect()          {}
func (Vanished) effect()         {}
func (Heard) effect()            {}
func (HeaderChanged) effect()    {}
func (Readmit) effect()          {}
func (Evict) effect()            {}
func (SequencerChanged) effect() {}
