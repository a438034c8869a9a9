package room

import (
	"maps"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// shards returns how far the parts of the room are known, for a commit. Who is in them was in when a restriction was
// written, and stays. Where a restriction follows another that a node is not known to have heard of, only who was in at
// the first one counts: the node has not asked those who came later yet.
func (r *Replica) shards(writes []Write) Vector {
	v := maps.Clone(r.knew)
	for _, w := range writes {
		if !restricts(w.Key, w.Value) {
			continue
		}
		for _, g := range r.header.registers[w.Key] {
			if !restricts(g.Key, g.Value) {
				continue
			}
			for _, name := range v.names() {
				if p := r.peers[name]; p != nil && p.header.Has(g.Dot) {
					continue
				}
				if was, ok := g.Shards[name]; !ok {
					delete(v, name)
				} else if was.Before(v[name]) {
					v[name] = was
				}
			}
		}
	}
	v[r.config.Self] = r.own.version
	return v
}

// readmit asks for own occupants who came in without a restriction that holds, and notes for the others what they passed.
func (r *Replica) readmit(brought []Register) {
	if r.config.flaw == skipReadmission {
		return
	}
	restricted := false
	for _, g := range brought {
		if !restricts(g.Key, g.Value) {
			continue
		}
		restricted = true
		for _, o := range r.own.sorted() {
			if o.Admitted.Has(g.Dot) || r.own.occupants[o.Endpoint].covered(g.Shards[r.config.Self]) {
				continue
			}
			r.stays[o.Endpoint].doubtful = true
			r.emit(Readmit{o.Endpoint, g.Key})
		}
	}
	if !restricted {
		return
	}
	for id, c := range r.own.occupants {
		if !r.stays[id].doubtful {
			r.own.bytes -= c.size()
			c.Admitted = r.header.context
			r.own.bytes += c.size()
			r.own.occupants[id] = c
			if s := r.seats[id]; s != nil && s.Node == r.config.Self {
				s.Admitted = c.Admitted
			}
		}
	}
}

// arrives returns what an occupant from another node counts as admitted under, and the restrictions that it has to be asked
// for: those that it was not in at when they were written, as far as the copies of the parts tell.
func (r *Replica) arrives(o Occupant) (Context, []Effect) {
	records := make(map[identity.Name]record)
	if c, ok := r.own.record(o.Endpoint); ok && c.Joined == o.Joined {
		records[r.config.Self] = c
	}
	for _, name := range r.order {
		if c, ok := r.peers[name].shard.record(o.Endpoint); ok && c.Joined == o.Joined {
			records[name] = c
		}
	}
	in := func(g Register) bool {
		if o.Admitted.Has(g.Dot) {
			return true
		}
		for name, c := range records {
			if c.Admitted.Has(g.Dot) || c.covered(g.Shards[name]) {
				return true
			}
		}
		return false
	}
	var doubts []Effect
	for _, key := range []string{FieldMembersOnly, FieldPassword} {
		for _, g := range r.header.registers[key] {
			if restricts(g.Key, g.Value) && !in(g) && r.config.flaw != skipReadmission {
				doubts = append(doubts, Readmit{o.Endpoint, g.Key})
			}
		}
	}
	if len(doubts) > 0 {
		return o.Admitted, doubts
	}
	return r.header.context.with(o.Admitted), nil
}
