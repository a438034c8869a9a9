package room

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Term is the time in which one node is the sequencer of a room: the epoch of the header.
type Term struct {
	Since Time
	Node  identity.Name
}

// Compare orders terms: by their beginning, then by the node.
func (t Term) Compare(o Term) int {
	return cmp.Or(cmp.Compare(t.Since, o.Since), cmp.Compare(t.Node, o.Node))
}

// Dot names one commit to the header: the Seq-th, from 1, of a term.
type Dot struct {
	Term Term
	Seq  uint64
}

// Compare orders dots: by term, then by sequence.
func (d Dot) Compare(o Dot) int { return cmp.Or(d.Term.Compare(o.Term), cmp.Compare(d.Seq, o.Seq)) }

// Context says which commits a header contains: of each term all up to a sequence. The sequence [Whole] contains the term
// and all terms before it; one term at most has it. Contexts are values: whoever changes one makes a new one.
type Context map[Term]uint64

// Whole is the sequence that stands for a whole term and all before it.
const Whole = math.MaxUint64

// How many terms a context tells apart. Of more than someTerms the sequencer makes one of those that are older than
// termMemory: whoever grew apart before that loses what it wrote then. More than maxTerms there are never.
const (
	someTerms  = 64
	maxTerms   = 256
	termMemory = time.Hour
)

// Has reports whether the commit d is contained.
func (c Context) Has(d Dot) bool {
	if d.Seq == 0 {
		return false
	}
	if c[d.Term] >= d.Seq {
		return true
	}
	floor, ok := c.floor()
	return ok && d.Term.Compare(floor) <= 0
}

// Covers reports whether all that is in o is in c.
func (c Context) Covers(o Context) bool {
	for t, n := range o {
		if !c.Has(Dot{t, n}) {
			return false
		}
	}
	return true
}

// floor returns the term up to which all is contained.
func (c Context) floor() (Term, bool) {
	for t, n := range c {
		if n == Whole {
			return t, true
		}
	}
	return Term{}, false
}

// last returns the highest term.
func (c Context) last() Term {
	var last Term
	for t := range c {
		if t.Compare(last) > 0 {
			last = t
		}
	}
	return last
}

// with returns c and all that is in o.
func (c Context) with(o Context) Context {
	if c.Covers(o) {
		return c
	}
	joined := maps.Clone(c)
	if joined == nil {
		joined = make(Context, len(o))
	}
	for t, n := range o {
		joined[t] = max(joined[t], n)
	}
	joined.shorten(maxTerms)
	return joined
}

// shorten drops what the highest whole term contains, and makes one of the oldest terms where there are more than n.
func (c Context) shorten(n int) {
	terms := slices.SortedFunc(maps.Keys(c), Term.Compare)
	floor := max(len(terms)-n, 0)
	for i, t := range terms {
		if c[t] == Whole {
			floor = max(floor, i)
		}
	}
	if floor == 0 {
		return
	}
	for _, t := range terms[:floor] {
		delete(c, t)
	}
	c[terms[floor]] = Whole
}

// old returns the newest of the terms that are too many and began before a time.
func (c Context) old(before Time) (Term, bool) {
	terms := slices.SortedFunc(maps.Keys(c), Term.Compare)
	for i := len(terms) - someTerms; i > 0; i-- {
		if terms[i].Since < before {
			return terms[i], true
		}
	}
	return Term{}, false
}
