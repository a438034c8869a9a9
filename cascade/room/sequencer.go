package room

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// ErrNotSequencer is the error of a write at a node that may not write the header now; see [Replica.Sequencer].
var ErrNotSequencer = errors.New("another node writes the header")

// Sequencer returns who writes the header: the node of the last term while it holds the room and can be reached, otherwise
// the first of those that do in an order that all nodes compute alike. It is "" while nothing is known of the room.
func (r *Replica) Sequencer() identity.Name { return r.elect() }

// leads reports whether this node writes the header, in a term that it began itself.
func (r *Replica) leads() bool {
	return r.term.Node == r.config.Self && r.elect() == r.config.Self &&
		(r.term == r.header.context.last() || r.config.flaw == dropFencing)
}

func (r *Replica) elect() identity.Name {
	if len(r.header.context) == 0 {
		return ""
	}
	if r.config.flaw == dropFencing && r.term.Node == r.config.Self {
		return r.config.Self
	}
	last := r.header.context.last().Node
	if last == r.config.Self || r.present(last) {
		return last
	}
	first, least := r.config.Self, r.weight(r.config.Self)
	for _, name := range r.order {
		if w := r.weight(name); r.present(name) && (w < least || w == least && name < first) {
			first, least = name, w
		}
	}
	return first
}

// present reports whether another node holds the room, can be reached and is heard.
func (r *Replica) present(name identity.Name) bool {
	p := r.peers[name]
	return p != nil && !p.ended && !p.silent && p.lost.IsZero()
}

// weight orders nodes for a room: FNV-1a over both names, mixed.
func (r *Replica) weight(name identity.Name) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range [...]string{r.config.Room, "\x00", string(name)} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return mix(h)
}

// mix is the finalizer of MurmurHash3: each bit of h changes all.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// settle begins a term when this node has become the sequencer, and tells who is.
func (r *Replica) settle(now time.Time) {
	s := r.elect()
	if s == r.config.Self && r.term != r.header.context.last() && r.metSome() && (r.config.flaw != dropFencing || r.term.Node == "") {
		r.begins(now)
		r.write([]Write{{FieldSequencer, string(s)}})
	}
	if s != r.sequencer {
		r.sequencer = s
		r.emit(SequencerChanged{s})
		r.forgiveKicks(now)
	}
}

// metSome reports whether one of those that hold the room and can be reached has been heard, if there are any: a node that
// has just come may not know of the last term yet.
func (r *Replica) metSome() bool {
	alone := true
	for _, name := range r.order {
		if r.present(name) {
			if r.peers[name].met {
				return true
			}
			alone = false
		}
	}
	return alone
}

// begins starts a term of this node, above all that it knows. The counter of its beginning is made of the incarnation: an
// earlier replica of this node that nobody heard of may have begun a term in the same millisecond.
func (r *Replica) begins(now time.Time) {
	since := max(r.Stamp(now), r.header.context.last().Since)
	since = (since>>16+1)<<16 | Time(mix(r.config.Incarnation)>>48)
	r.learn(since)
	r.term = Term{since, r.config.Self}
}

// shorten makes one of old terms, if this node writes the header. The others learn it as they learn of a commit.
func (r *Replica) shorten(now time.Time) {
	if len(r.header.context) <= someTerms || !r.leads() {
		return
	}
	if t, ok := r.header.context.old(At(now.Add(-termMemory))); ok {
		r.header.context = r.header.context.with(Context{t: Whole})
	}
}

// Found gives a room that nothing is known of its header. Of a room that has one already nothing is changed.
func (r *Replica) Found(now time.Time, meeting string) []Effect {
	if r.left || len(r.header.context) > 0 {
		return nil
	}
	r.begins(now)
	r.write([]Write{{FieldMeeting, meeting}, {FieldSequencer, string(r.config.Self)}})
	return r.flush(now)
}

// Adopt takes the header in that the directory keeps. Parts that make no sense are left out. SetPeers and SetReachable
// should come before it: a node that knows of nobody else becomes the sequencer.
func (r *Replica) Adopt(now time.Time, states []State) []Effect {
	if r.left {
		return nil
	}
	for _, s := range states {
		if s.check(now) == nil && r.fits(s.Registers) {
			r.adopt(s.Context, s.Registers)
		}
	}
	return r.flush(now)
}

// Write gives fields of the header values. Only the sequencer may; others get [ErrNotSequencer]. An empty value takes a
// field away.
func (r *Replica) Write(now time.Time, writes []Write) ([]Effect, error) {
	if r.left || !r.leads() {
		return nil, ErrNotSequencer
	}
	more, size := 0, 0
	for _, w := range writes {
		if err := w.check(now.Add(Drift)); err != nil {
			return nil, fmt.Errorf("write %.64q: %w", w.Key, err)
		}
		if w.Value != "" {
			more, size = more+1, size+len(w.Key)+len(w.Value)+64
		}
	}
	writes = sortedWrites(writes)
	switch {
	case len(writes) == 0 || len(writes) > maxWrites:
		return nil, fmt.Errorf("write %d fields: want 1 to %d", len(writes), maxWrites)
	case twice(writes):
		return nil, errors.New("write a field twice at once")
	case more > 0 && (r.header.count+more > maxRegisters || r.header.bytes+size > maxHeader):
		return nil, fmt.Errorf("write %d fields: the header is full", len(writes))
	}
	r.write(writes)
	return r.flush(now), nil
}

func sortedWrites(writes []Write) []Write {
	return slices.SortedFunc(slices.Values(writes), func(a, b Write) int { return cmp.Compare(a.Key, b.Key) })
}

func twice(writes []Write) bool {
	keys := make(map[string]bool, len(writes))
	for _, w := range writes {
		keys[w.Key] = true
	}
	return len(keys) < len(writes)
}

// write commits to the header in the term of this node.
func (r *Replica) write(writes []Write) {
	c := Commit{
		Dot:    Dot{r.term, r.header.context[r.term] + 1},
		Seen:   r.header.context,
		Shards: r.shards(writes),
		Writes: writes,
	}
	before := r.valuesOf(writes)
	r.brought(r.header.commit(c), before, r.valuesOf(writes))
	r.broadcast(c)
}

// commit takes in what the sequencer of a term wrote.
func (r *Replica) commit(p *peer, m Commit) error {
	switch {
	case r.header.context.Has(m.Dot):
		return nil
	case r.header.missing(m):
		p.owesDigest = true
		return nil
	case r.header.count+len(m.Writes) > 2*maxRegisters:
		return errors.New("commit: the header is full")
	}
	for t := range r.header.context {
		if t.Node == m.Dot.Term.Node && t.Compare(m.Dot.Term) > 0 {
			p.owesDigest = true // of a term that the node has ended since
			return nil
		}
	}
	r.learn(m.Dot.Term.Since)
	before := r.valuesOf(m.Writes)
	r.brought(r.header.commit(m), before, r.valuesOf(m.Writes))
	return nil
}

// fits reports whether a header has room for what registers would bring.
func (r *Replica) fits(registers []Register) bool {
	count, bytes := r.header.count, r.header.bytes
	for _, g := range registers {
		if !r.header.context.Has(g.Dot) {
			count, bytes = count+1, bytes+g.size()
		}
	}
	return count <= 2*maxRegisters && bytes <= 2*maxHeader
}

// adopt joins another header to the own.
func (r *Replica) adopt(context Context, registers []Register) {
	for t := range context {
		r.learn(t.Since)
	}
	before := r.header.values()
	brought := r.header.join(context, registers)
	r.brought(brought, before, r.header.values())
}

func (r *Replica) valuesOf(writes []Write) map[string]string {
	values := make(map[string]string, len(writes))
	for _, w := range writes {
		if v := r.header.value(w.Key); v != "" {
			values[w.Key] = v
		}
	}
	return values
}

// brought tells what a change of the header leads to: values of fields before and after, and the registers that are new.
func (r *Replica) brought(brought []Register, before, after map[string]string) {
	changed := make(map[string]bool)
	for key, v := range before {
		if after[key] != v {
			changed[key] = true
		}
	}
	for key, v := range after {
		if before[key] != v {
			changed[key] = true
		}
	}
	if len(changed) > 0 {
		r.emit(HeaderChanged{slices.Sorted(maps.Keys(changed))})
	}
	for _, g := range brought {
		changed[g.Key] = true
	}
	r.carryOutKicks(slices.Sorted(maps.Keys(changed)))
	r.readmit(brought)
}
