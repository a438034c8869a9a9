package standby

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/wire"
)

// Repeat is how often a standby is told of a record that has not changed.
const Repeat = 10 * time.Second

// unsure is how long an answer is awaited until the value is sent again, whole.
const unsure = 3 * time.Second

// Copy is what a holder knows of its standby's record of one session: what it sent last, and whether that is there.
type Copy struct {
	token   string
	value   []byte
	sum     uint64
	at      time.Time
	asked   time.Time // when the first was sent that is not answered
	amended bool      // it was sent as a change
	sure    bool      // the standby has it
	refused bool      // the standby has no room for it
}

// NewCopy returns the copy of a session at a standby that was sent nothing yet.
func NewCopy(token string) *Copy { return &Copy{token: token} }

// Push returns the frames that bring the standby to value, none when nothing is to be sent now: a change of what is surely there, or
// all of it. The value is the Copy's from then on, what the frames hold the caller's, who overwrites it; a value that is longer than
// they may be is not sent.
func (c *Copy) Push(now time.Time, value []byte) []wire.Frame {
	sum := Sum(value)
	wait := Repeat
	if c.value != nil && !c.sure && !c.refused {
		wait = unsure
	}
	idle := c.value != nil && now.Sub(c.at) < wait
	if len(value) > wire.MaxPiece*wire.MaxPieces || idle && (c.refused || sum == c.sum) {
		clear(value)
		return nil
	}
	prev, base, amends := c.value, c.sum, c.sure
	if amends || prev == nil {
		c.asked = now
	}
	c.value, c.sum, c.at, c.amended, c.sure, c.refused = value, sum, now, amends, false, false
	defer clear(prev)
	if amends {
		if delta := appendDelta(make([]byte, 0, 512), prev, value); len(delta) < len(value)/2 && len(delta) <= wire.MaxPiece {
			return []wire.Frame{wire.Amend{Token: c.token, Base: base, Delta: delta}}
		}
	}
	c.amended = false
	parts := slices.Collect(slices.Chunk(slices.Clone(value), wire.MaxPiece))
	frames := make([]wire.Frame, len(parts))
	for i, part := range parts {
		frames[i] = wire.Keep{Token: c.token, Part: uint16(i), Parts: uint16(len(parts)), Value: part}
	}
	return frames
}

// Kept takes the standby's answer, and reports whether it has what was sent last.
func (c *Copy) Kept(sum uint64) bool {
	c.sure = sum == c.sum
	switch {
	case c.sure:
		c.refused = false // what was refused was a change that came before
	case sum == 0 && c.amended:
		c.at = time.Time{} // all of it, at the next push
	case sum == 0:
		c.refused = true
	}
	return c.sure
}

// Overdue reports whether the standby should have answered.
func (c *Copy) Overdue(now time.Time) bool {
	return c.value != nil && !c.sure && now.Sub(c.asked) >= unsure
}

// Wipe overwrites the value. The Copy is then as new.
func (c *Copy) Wipe() {
	clear(c.value)
	*c = Copy{token: c.token}
}
