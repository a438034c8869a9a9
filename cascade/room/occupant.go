package room

import "github.com/atoll-mesh/atoll/cascade/identity"

// Occupant is one participant as the node that serves it tells the others. Occupants are values: whoever changes one makes
// a new one.
type Occupant struct {
	Endpoint EndpointID
	// JID is the real full JID.
	JID string
	// Joined is stamped by the node that admitted it, and stays when it moves.
	Joined Time
	// Epoch counts who serves it: of two records of one endpoint the higher epoch counts.
	Epoch Epoch
	// Admitted is the version of the header that it was admitted under.
	Admitted Context
	// Presence holds the children of its presence that others see, as XML without the element of the room.
	Presence []byte
	// Sources are what it sends.
	Sources []Source
}

// Cause says why an occupant left.
type Cause uint8

// Why an occupant left. The numbers are on the wire.
const (
	ByItself  Cause = iota + 1 // it said so
	Kicked                     // by a moderator (status 307)
	Banned                     // by an owner (status 301)
	Gone                       // its session ended without leaving, or its node died (status 333)
	Failed                     // its session was ended because of an error (status 333)
	Destroyed                  // the room was destroyed
	Moved                      // to another node: nobody is told
)

// Removal is the end of an occupancy.
type Removal struct {
	Endpoint EndpointID
	Cause    Cause
	Actor    EndpointID // who removed it, if somebody did
	Reason   string
}

// Utterance is a message that an occupant says to everybody (groupchat).
type Utterance struct {
	From     EndpointID
	ID, Lang string
	Inner    []byte // XML inside the message
}

// ShardVersion is how far a node's part of a room has come. The zero value is before every version.
type ShardVersion struct {
	// Incarnation grows with every start of the node and whenever the node begins the room anew.
	Incarnation uint64
	// Seq counts the operations since the incarnation began.
	Seq uint64
}

// Before reports whether v is older than o.
func (v ShardVersion) Before(o ShardVersion) bool {
	return v.Incarnation < o.Incarnation || v.Incarnation == o.Incarnation && v.Seq < o.Seq
}

// Vector is how far the parts of a room have come, by node.
type Vector map[identity.Name]ShardVersion
