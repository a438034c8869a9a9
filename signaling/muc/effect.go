package muc

import "github.com/atoll-mesh/atoll/signaling/stanza"

// Effect is something that the caller must do, in the order of the list: one of [Deliver], [Joined], [Updated],
// [RoleChanged], [Left], [FocusIQ], [Empty].
type Effect interface{ effect() }

// Deliver asks for a complete stanza to be sent to a full JID. The bytes belong to the receiver of the effect.
type Deliver struct {
	To     string
	Stanza []byte
}

// Joined tells that an occupant entered. Presence holds the children that others see.
type Joined struct {
	Occupant Occupant
	Presence *stanza.Element
}

// Updated tells that an occupant sent new presence. Presence holds the children that others see.
type Updated struct {
	Occupant Occupant
	Presence *stanza.Element
}

// RoleChanged tells that the role or affiliation of an occupant is another than before.
type RoleChanged struct{ Occupant Occupant }

// Left tells that an occupant is no longer in the room. Occupant is as it was before.
type Left struct {
	Occupant Occupant
	Cause    Cause
}

// FocusIQ is an IQ (of any type) or a message that an occupant sent to the focus.
type FocusIQ struct {
	From Occupant
	IQ   *stanza.Element
}

// Empty tells that the last occupant left and the room forgot everything.
type Empty struct{}

func (Deliver) effect()     {}
func (Joined) effect()      {}
func (Updated) effect()     {}
func (RoleChanged) effect() {}
func (Left) effect()        {}
func (FocusIQ) effect()     {}
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
