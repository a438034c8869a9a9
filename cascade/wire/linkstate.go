package wire

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// LinkState is what the sender measures to every other member. One with a lower Seq than a seen one is stale.
type LinkState struct {
	Seq  uint64
	Rows []LinkRow
}

// LinkRow is one link of the sender.
type LinkRow struct {
	Node identity.Name
	RTT  time.Duration // whole microseconds, at most a minute
	Loss uint16        // version 2: permille
	Up   bool
}

func (LinkState) frame() uint64 { return typeLinkState }

func (f *LinkState) fields(c *coder) {
	number(c, &f.Seq, 0, anything)
	list(c, &f.Rows, maxNodes, func(c *coder, r *LinkRow) {
		name(c, &r.Node)
		duration(c, &r.RTT, time.Microsecond, 0, time.Minute)
		c.flag(&r.Up)
		if c.version >= 2 {
			number(c, &r.Loss, 0, 1000)
		}
	})
}
