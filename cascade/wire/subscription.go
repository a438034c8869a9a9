package wire

import (
	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

// Subscribe asks the receiver to send a source. It is answered with Subscribed.
type Subscribe struct {
	Room   string
	Sub    uint32 // numbered by the sender, for all its subscriptions at the receiver
	Source room.SourceName
	Height int // of video: the lowest encoding that is at least so high
	// Path is the way that the source takes: its origin first, the subscriber last, one relay between them at most.
	Path    []identity.Name
	Standby bool // nothing is sent until an Update
}

// Update changes what is sent for a subscription, and begins sending for one on standby.
type Update struct {
	Room   string
	Sub    uint32
	Height int
}

// Unsubscribe ends a subscription.
type Unsubscribe struct {
	Room string
	Sub  uint32
}

// Subscribed answers a Subscribe.
type Subscribed struct {
	Room string
	Sub  uint32
	Code Code
}

// Code says whether a source will be sent. A code that is not known is a no.
type Code = uint8

// The answers to a Subscribe.
const (
	CodeOK            Code = iota
	CodeUnknownSource      // the receiver does not have it
	CodeBusy               // the receiver has no room for more
	CodeNoRoute            // the receiver is no part of the path, or cannot reach the origin directly
)

func (Subscribe) frame() uint64   { return typeSubscribe }
func (Update) frame() uint64      { return typeUpdate }
func (Unsubscribe) frame() uint64 { return typeUnsubscribe }
func (Subscribed) frame() uint64  { return typeSubscribed }

func (f *Subscribe) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.Sub, 0, 1<<32-1)
	source(c, &f.Source)
	c.height(&f.Height)
	plain(c, &f.Path, 3, name)
	c.flag(&f.Standby)
	if n := len(f.Path); c.err == nil && (n < 2 || f.Path[0] == f.Path[1] || n == 3 && (f.Path[2] == f.Path[0] || f.Path[2] == f.Path[1])) {
		c.fail("no path: %q", f.Path)
	}
}

func (f *Update) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.Sub, 0, 1<<32-1)
	c.height(&f.Height)
}

func (f *Unsubscribe) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.Sub, 0, 1<<32-1)
}

func (f *Subscribed) fields(c *coder) {
	c.room(&f.Room)
	number(c, &f.Sub, 0, 1<<32-1)
	number(c, &f.Code, 0, 1<<8-1)
}
