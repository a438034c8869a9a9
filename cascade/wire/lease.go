package wire

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Claim asks a directory server whether anybody holds the room. The server answers with a ClaimAnswer.
type Claim struct {
	Room string
	ID   uint64 // repeated in the answer
}

// ClaimAnswer says who holds the room. Known is false when the server knows of nobody; then the rest is empty.
type ClaimAnswer struct {
	Room    string
	ID      uint64
	Known   bool
	Holders []identity.Name
	Header  []byte // the newest copy that the server has, as AppendHeader writes it; may be missing
}

// Lease says that the sender holds the room, for so long. The server tells all holders of each other with Holders.
type Lease struct {
	Room        string
	Incarnation uint64 // of the sender's part of the room
	TTL         time.Duration
	HasHeader   bool   // false: the copy that the server has from the sender stays
	Header      []byte // a copy of the room's header
}

// Release ends the sender's lease, unless that has a higher incarnation.
type Release struct {
	Room        string
	Incarnation uint64
}

// Holders are all who hold the room by the leases that the sender has. It replaces the one before.
type Holders struct {
	Room  string
	Nodes []identity.Name // in order
}

func (Claim) frame() uint64       { return typeClaim }
func (ClaimAnswer) frame() uint64 { return typeClaimAnswer }
func (Lease) frame() uint64       { return typeLease }
func (Release) frame() uint64     { return typeRelease }
func (Holders) frame() uint64     { return typeHolders }

func (f *Claim) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.ID, 0, anything)
}

func (f *ClaimAnswer) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.ID, 0, anything)
	c.flag(&f.Known)
	nodes(c, &f.Holders)
	c.bytes(&f.Header, MaxHeader)
	if !f.Known && (len(f.Holders) > 0 || len(f.Header) > 0) {
		c.fail("holders of a room that is not known")
	}
}

func (f *Lease) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.Incarnation, 0, anything)
	duration(c, &f.TTL, time.Millisecond, time.Millisecond, time.Hour)
	c.flag(&f.HasHeader)
	if f.HasHeader {
		c.bytes(&f.Header, MaxHeader)
	} else if len(f.Header) > 0 {
		c.fail("a header that is not to be sent")
	}
}

func (f *Release) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.Incarnation, 0, anything)
}

func (f *Holders) fields(c *coder) {
	c.room(&f.Room)
	nodes(c, &f.Nodes)
}

// nodes are names in ascending order, none twice.
func nodes(c *coder, v *[]identity.Name) {
	plain(c, v, MaxHolders, name)
	for i := 1; i < len(*v); i++ {
		if (*v)[i-1] >= (*v)[i] {
			c.fail("nodes not in ascending order")
			return
		}
	}
}
