package muc

import (
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Effect is something that the caller must do, in the order of the list: one of [Deliver], [Joined], [Updated],
// [RoleChanged], [Left], [FocusIQ], [Said], [Away], [Write], [Command], [Destroy], [Empty].
type Effect interface{ effect() }

// Deliver asks for a complete stanza to be sent to a full JID: a client of this node, or the occupant of another node
// whose command it answers. The bytes belong to the receiver of the effect.
type Deliver struct {
	To     string
	Stanza []byte
}

// Joined tells that an occupant entered at this node. Presence holds the children that others see.
type Joined struct {
	Occupant Occupant
	Presence *stanza.Element
}

// Updated tells that an occupant of this node sent new presence. Presence holds the children that others see.
type Updated struct {
	Occupant Occupant
	Presence *stanza.Element
}

// RoleChanged tells that the role or affiliation of an occupant, of any node, is another than before.
type RoleChanged struct{ Occupant Occupant }

// Left tells that an occupant of this node is no longer in the room. Occupant is as it was before, Actor the nick of who
// removed it.
type Left struct {
	Occupant      Occupant
	Cause         Cause
	Actor, Reason string
}

// FocusIQ is an IQ (of any type) or a message that an occupant sent to the focus.
type FocusIQ struct {
	From Occupant
	IQ   *stanza.Element
}

// Said is what an occupant of this node said to everybody, for the other nodes: it was delivered here.
type Said struct{ Utterance room.Utterance }

// Away is what an occupant of this node says to one of another node. Name is "message" or "iq".
type Away struct {
	From, To             Occupant
	Name, Type, ID, Lang string
	Inner                []byte
}

// Write tells what this room, which has the authority, wrote into the header: each field once. It comes first of all
// effects of a call.
type Write struct{ Fields []room.Write }

// Command is a stanza of an occupant of this node that only the node with the authority may apply.
type Command struct {
	From   Occupant
	Stanza *stanza.Element
}

// Destroy tells that an owner destroyed the room: what the other nodes give to [Room.Destroyed].
type Destroy struct {
	At     room.Time
	Reason string
}

// Empty tells that the last occupant of this node left. When nobody was at another node either, the room forgot
// everything.
type Empty struct{}

func (Deliver) effect()     {}
func (Joined) effect()      {}
func (Updated) effect()     {}
func (RoleChanged) effect() {}
func (Left) effect()        {}
func (FocusIQ) effect()     {}
func (Said) effect()        {}
func (Away) effect()        {}
func (Write) effect()       {}
func (Command) effect()     {}
func (Destroy) effect()     {}
func (Empty) effect()       {}

// Cause says why an occupant left.
type Cause uint8

// Why an occupant left.
const (
	// ByItself: it sent unavailable presence.
	ByItself Cause = iota + 1
	// Kicked by a moderator, or by the server with [Room.Remove] (status 307).
	Kicked
	// Banned by an owner (status 301).
	Banned
	// Gone: its session ended without leaving, or was silent for too long (status 333).
	Gone
	// Failed: its session was ended because of an error (status 333).
	Failed
	// Destroyed: an owner destroyed the room.
	Destroyed
	// Moved to another node: nobody in the room is told.
	Moved
)

// String returns the cause as one word.
func (c Cause) String() string {
	switch c {
	case ByItself:
		return "left"
	case Kicked:
		return "kicked"
	case Banned:
		return "banned"
	case Gone:
		return "gone"
	case Failed:
		return "failed"
	case Destroyed:
		return "destroyed"
	case Moved:
		return "moved"
	}
	return "unknown"
}

// status is the XEP-0045 status code that goes with the cause, or "".
func (c Cause) status() string {
	switch c {
	case Kicked:
		return "307"
	case Banned:
		return "301"
	case Gone, Failed:
		return "333"
	}
	return ""
}
