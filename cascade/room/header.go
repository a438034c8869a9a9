package room

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// header is what a room has once: of each field the values that no later write has replaced. The join of headers is
// commutative, associative and idempotent.
type header struct {
	context   Context
	registers map[string][]Register // by key, in the order of their dots
	count     int
	bytes     int
	untied    bool // flaw: what came first stands before what has the same time
}

// keeps reports whether an empty value has to be remembered beside others that were written without knowing of it.
// For the others a value that was set wins over none.
func keeps(key, value string) bool {
	return value != "" || key == FieldOpenSubject || key == FieldSubject || key == FieldMeeting || key == FieldSequencer
}

// restricts reports whether a value limits who may enter.
func restricts(key, value string) bool {
	return key == FieldPassword && value != "" || key == FieldMembersOnly && value == "1"
}

// missing reports whether a commit leaves a gap behind what is known, or builds on what is not.
func (h *header) missing(c Commit) bool {
	return c.Dot.Seq > 1 && !h.context.Has(Dot{c.Dot.Term, c.Dot.Seq - 1}) || !h.context.Covers(c.Seen)
}

// commit applies the next commit of its term, and returns what it brought.
func (h *header) commit(c Commit) (brought []Register) {
	for _, w := range c.Writes {
		kept := slices.DeleteFunc(slices.Clone(h.registers[w.Key]), func(r Register) bool { return c.Seen.Has(r.Dot) })
		if keeps(w.Key, w.Value) {
			r := Register{Key: w.Key, Value: w.Value, Dot: c.Dot}
			if restricts(w.Key, w.Value) {
				r.Shards = c.Shards
			}
			kept = append(kept, r)
			brought = append(brought, r)
		}
		h.set(w.Key, kept)
	}
	h.context = h.context.with(Context{c.Dot.Term: c.Dot.Seq})
	return brought
}

// join takes in another header whole, and returns what it brought.
func (h *header) join(context Context, registers []Register) (brought []Register) {
	theirs := make(map[string][]Register)
	for _, r := range registers {
		theirs[r.Key] = append(theirs[r.Key], r)
	}
	keys := slices.Collect(maps.Keys(theirs))
	for key := range h.registers {
		if theirs[key] == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		kept := slices.DeleteFunc(slices.Clone(h.registers[key]), func(r Register) bool {
			return context.Has(r.Dot) && !slices.ContainsFunc(theirs[key], r.same)
		})
		for _, r := range theirs[key] {
			if !h.context.Has(r.Dot) {
				kept = append(kept, r)
				brought = append(brought, r)
			}
		}
		h.set(key, kept)
	}
	h.context = h.context.with(context)
	return brought
}

func (r Register) same(o Register) bool { return r.Dot == o.Dot }

func (r Register) size() int { return 64 + len(r.Key) + len(r.Value) + 32*len(r.Shards) }

// set puts the registers of a key in place.
func (h *header) set(key string, registers []Register) {
	for _, r := range h.registers[key] {
		h.count, h.bytes = h.count-1, h.bytes-r.size()
	}
	for _, r := range registers {
		h.count, h.bytes = h.count+1, h.bytes+r.size()
	}
	if len(registers) == 0 {
		delete(h.registers, key)
		return
	}
	slices.SortStableFunc(registers, h.compare)
	if h.registers == nil {
		h.registers = make(map[string][]Register)
	}
	h.registers[key] = registers
}

func (h *header) compare(a, b Register) int {
	if h.untied {
		return cmp.Compare(a.Dot.Term.Since, b.Dot.Term.Since)
	}
	return a.Dot.Compare(b.Dot)
}

// value returns what a field says, of several values the one that its kind prefers.
func (h *header) value(key string) string {
	registers := h.registers[key]
	if len(registers) == 0 {
		return ""
	}
	best := registers[len(registers)-1]
	switch {
	case key == FieldMeeting:
		best = registers[0]
	case key == FieldOpenSubject:
		for _, r := range registers {
			if r.Value == "" {
				best = r
			}
		}
	case key == FieldMembersOnly, strings.HasPrefix(key, FieldModerator):
		for _, r := range registers {
			if r.Value == "1" {
				best = r
			}
		}
	case strings.HasPrefix(key, FieldAffiliation):
		for _, r := range registers {
			if rank(r.Value) >= rank(best.Value) {
				best = r
			}
		}
	}
	return best.Value
}

// rank orders affiliations: of two that were given without knowing of each other the higher rank counts.
func rank(affiliation string) int {
	return slices.Index([]string{"none", "member", "admin", "owner", "outcast"}, affiliation)
}

// values returns all fields that have one.
func (h *header) values() map[string]string {
	values := make(map[string]string, len(h.registers))
	for key := range h.registers {
		if v := h.value(key); v != "" {
			values[key] = v
		}
	}
	return values
}

// state returns the whole header, sorted.
func (h *header) state() State {
	all := make([]Register, 0, h.count)
	for _, key := range slices.Sorted(maps.Keys(h.registers)) {
		all = append(all, h.registers[key]...)
	}
	return State{Context: h.context, Parts: 1, Registers: all}
}
