package wire

import (
	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Hello is the first frame in each direction of a link, and comes once.
type Hello struct {
	Oldest, Newest uint16 // versions that the sender speaks
	Name           identity.Name
	Region         string
	Build          string // version 2: of the program
	Started        uint64 // Unix milliseconds: a node that started again is another one
	Clock          uint64 // Unix milliseconds when it was sent
}

func (Hello) frame() uint64 { return typeHello }

// fields is the same in every version, because it says which one is spoken: what is missing at the end is empty.
func (f *Hello) fields(c *coder) {
	number(c, &f.Oldest, 1, 1<<16-1)
	number(c, &f.Newest, uint64(max(f.Oldest, 1)), 1<<16-1)
	name(c, &f.Name)
	text(c, &f.Region, maxLabel)
	number(c, &f.Started, 0, 1<<48-1)
	number(c, &f.Clock, 0, 1<<48-1)
	if c.reading && len(c.buf) > 0 || !c.reading && c.version >= 2 {
		text(c, &f.Build, maxLabel)
	}
}
