package conference

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

const (
	// openTime is how long who comes first to a node waits for others in all.
	openTime = 250 * time.Millisecond
	// headerTime is how long the header of a room that is known may take to come; then there is nobody who has it.
	headerTime = 10 * time.Second
)

// opening is how far a room is that is not open yet.
type opening struct {
	entered time.Time
	until   time.Time // when it opens in any case, zero: the directory has not answered
	unmet   map[identity.Name]bool
	headers map[identity.Name]room.Context // what the others have
}

// claimed opens the room when the cluster has said what it knows of it, and, when others hold it, who is there: a client sees
// the room as it is, and not itself as the first in it.
func (c *Conference) claimed(now time.Time, known bool, header []byte) {
	if c.open || !c.opening.until.IsZero() {
		return
	}
	states, err := wire.ParseHeader(header)
	switch {
	case len(header) > 0 && err == nil:
		c.applyReplica(now, c.replica.Adopt(now, states))
	case !known:
		c.muc.SetFounded(true)
		c.applyReplica(now, c.replica.Found(now, randomHex(16)))
	}
	c.lead()
	c.opening.until = c.opening.entered.Add(openTime)
	c.opening.unmet, c.opening.headers = make(map[identity.Name]bool), make(map[identity.Name]room.Context)
	for _, node := range c.others {
		c.opening.unmet[node] = true
	}
	c.openDue(now)
}

// meet notes what another node has told before the room is open.
func (c *Conference) meet(now time.Time, from identity.Name, m room.Message) {
	if c.open {
		return
	}
	o := &c.opening
	switch m := m.(type) {
	case room.Digest:
		if o.unmet[from] {
			o.headers[from] = m.Header
		}
	case room.Ops, room.End:
		delete(o.unmet, from)
	case room.Snapshot:
		if m.Part+1 == m.Parts {
			delete(o.unmet, from)
		}
	}
	c.openDue(now)
}

// openDue opens the room when everybody has been met or it is time, and gives it a header when nobody has one.
func (c *Conference) openDue(now time.Time) {
	o := &c.opening
	switch {
	case c.open:
		if !o.entered.IsZero() && now.Sub(o.entered) >= headerTime {
			o.entered = time.Time{}
			c.applyReplica(now, c.replica.Found(now, randomHex(16)))
		}
		return
	case o.until.IsZero(), now.Before(o.until) && !c.met():
		return
	}
	c.open = true
	o.unmet, o.headers = nil, nil
	held := c.held
	c.held = nil
	for _, l := range held {
		l(c, now)
	}
}

// met reports whether all who hold the room have told who is there, and what the header is.
func (c *Conference) met() bool {
	if len(c.opening.unmet) > 0 {
		return false
	}
	own := c.replica.Snapshot().Context
	for _, theirs := range c.opening.headers {
		if !own.Covers(theirs) {
			return false
		}
	}
	return true
}
