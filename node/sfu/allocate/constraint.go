package allocate

import (
	"slices"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Unlimited is the height that stands for no limit where a number is needed: above every encoding.
const Unlimited = 2160

// Constraints are what a receiver asks for: the last state of its ReceiverVideoConstraints, not one message (a message
// leaves out what did not change).
type Constraints struct {
	LastN    int // how many sources at most; negative for all
	OnStage  []room.SourceName
	Selected []room.SourceName
	Default  int                     // height of sources without an entry; 0 off, negative no limit
	Heights  map[room.SourceName]int // height by source
	// Raw is the same as the client could have sent it in one message. It is carried along with a hand-over.
	Raw []byte
}

// height returns what c asks for of the source.
func (c *Constraints) height(name room.SourceName) int {
	h, ok := c.Heights[name]
	if !ok {
		h = c.Default
	}
	if h < 0 || h > Unlimited {
		return Unlimited
	}
	return h
}

// Source is a video source that a receiver could get.
type Source struct {
	Name  room.SourceName
	Muted bool
}

// Want is what a receiver wants of a source.
type Want struct {
	Index   int // of the source in what was given
	Height  int // above 0
	Forward bool
}

// Effective appends to dst what a receiver with the constraints c wants, most important first, without what it turned
// off. sources are those of everybody in the order of their last dominance; those of self are left out. limit is the
// number of slots.
func Effective(dst []Want, sources []Source, self room.EndpointID, c *Constraints, limit int) []Want {
	n := limit
	if c.LastN >= 0 {
		n = min(n, c.LastN)
	}
	from := len(dst)
	for i := range sources {
		if name := sources[i].Name; name.Endpoint() != self {
			if h := c.height(name); h > 0 {
				dst = append(dst, Want{Index: i, Height: h})
			}
		}
	}
	all := dst[from:]
	if len(c.OnStage) > 0 || len(c.Selected) > 0 {
		rank := func(w Want) int {
			name := sources[w.Index].Name
			if i := slices.Index(c.OnStage, name); i >= 0 {
				return i
			}
			if slices.Contains(c.Selected, name) {
				return len(c.OnStage)
			}
			return len(c.OnStage) + 1
		}
		slices.SortStableFunc(all, func(a, b Want) int { return rank(a) - rank(b) })
	}
	kept, count := all[:0], 0
	for _, w := range all {
		if sources[w.Index].Muted {
			kept = append(kept, w)
			continue
		}
		if count < n {
			w.Forward = true
			kept = append(kept, w)
			count++
		}
	}
	return dst[:from+len(kept)]
}
