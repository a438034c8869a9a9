package wire

import (
	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Seek asks for the session of a client that wants to resume it at the sender. It is answered with Sought. The token shows that
// the client may: it goes to the nodes that hold or keep the session only.
type Seek struct {
	ID    uint64 // repeated in the answer
	Token string
	// Without are nodes that are dead or do not have the session, in order: the receiver does not point to them.
	Without []identity.Name
}

// SoughtCode says what became of a Seek.
type SoughtCode uint8

// What became of a Seek.
const (
	SoughtUnknown SoughtCode = iota + 1 // the receiver knows nothing of the session
	SoughtRefused                       // there is a session, and the token is not its own
	SoughtSent                          // it was handed to the sender of the Seek
	SoughtAt                            // ask At
	SoughtRecord                        // its holder is dead; Value is what the receiver kept of it, in parts
	SoughtFailed                        // it is here and stays here
	SoughtWhole                         // its holder gave it up; Value is all that it is, in parts
)

// Sought answers Seek.
type Sought struct {
	ID          uint64
	Code        SoughtCode
	At          identity.Name // with SoughtAt
	Part, Parts uint16        // Parts is 1 but with SoughtRecord and SoughtWhole
	Value       []byte        // with SoughtRecord and SoughtWhole
}

// Keep gives what a session is to the node that goes on with it when the sender dies. It replaces the one before. The value holds
// keys: it is pushed to one node, kept in memory only, and overwritten when it is not needed any more.
type Keep struct {
	Token       string
	Part, Parts uint16
	Value       []byte
}

// Amend says how a value that was kept has changed: Base is the sum of the one that it changes, Delta the change (both as
// cascade/standby makes them). Like Keep, it is answered with Kept.
type Amend struct {
	Token string
	Base  uint64
	Delta []byte
}

// Kept says what its sender keeps of a session after Amend, or after the last part of Keep: the sum of the value, 0 when it keeps none.
type Kept struct {
	Token string
	Sum   uint64
}

// Wipe ends Keep.
type Wipe struct{ Token string }

func (Seek) frame() uint64   { return typeSeek }
func (Sought) frame() uint64 { return typeSought }
func (Keep) frame() uint64   { return typeKeep }
func (Wipe) frame() uint64   { return typeWipe }
func (Amend) frame() uint64  { return typeAmend }
func (Kept) frame() uint64   { return typeKept }

func (f *Seek) fields(c *coder) {
	number(c, &f.ID, 0, anything)
	token(c, &f.Token)
	nodes(c, &f.Without)
}

func (f *Sought) fields(c *coder) {
	number(c, &f.ID, 0, anything)
	number(c, &f.Code, uint64(SoughtUnknown), uint64(SoughtWhole))
	optional(c, &f.At, name)
	c.pieces(&f.Part, &f.Parts)
	c.bytes(&f.Value, MaxPiece)
	switch {
	case (f.Code == SoughtAt) != (f.At != ""):
		c.fail("a place with code %d", f.Code)
	case f.Code != SoughtRecord && f.Code != SoughtWhole && (f.Parts != 1 || len(f.Value) > 0):
		c.fail("a value with code %d", f.Code)
	}
}

func (f *Keep) fields(c *coder) {
	token(c, &f.Token)
	c.pieces(&f.Part, &f.Parts)
	c.bytes(&f.Value, MaxPiece)
}

func (f *Amend) fields(c *coder) {
	token(c, &f.Token)
	number(c, &f.Base, 0, anything)
	c.bytes(&f.Delta, MaxPiece)
}

func (f *Kept) fields(c *coder) {
	token(c, &f.Token)
	number(c, &f.Sum, 0, anything)
}

func (f *Wipe) fields(c *coder) { token(c, &f.Token) }

func token(c *coder, v *string) {
	if text(c, v, maxToken); *v == "" {
		c.fail("no token")
	}
}

// pieces is a part of a value that may be longer than a frame.
func (c *coder) pieces(part, parts *uint16) {
	number(c, part, 0, MaxPieces-1)
	number(c, parts, uint64(*part)+1, MaxPieces)
}
