package directory

import (
	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// Effect is what follows from a call: [Send], [Claimed] or [HoldersChanged]. Effects are carried out in order.
type Effect interface{ effect() }

// Send is a frame for another node, or for this one: then it goes to the own [Service] or [Client].
type Send struct {
	To    identity.Name
	Frame wire.Frame
}

// Claimed ends a claim.
type Claimed struct {
	Room    string
	Known   bool            // a server knows of holders
	Holders []identity.Name // the other nodes that hold it and are alive, in order
	Header  []byte          // the server's copy of the header, as wire.AppendHeader wrote it; may be missing
}

// HoldersChanged says which other nodes hold a room that this one holds.
type HoldersChanged struct {
	Room  string
	Nodes []identity.Name // alive, in order
}

func (Send) effect()           {}
func (Claimed) effect()        {}
func (HoldersChanged) effect() {}
