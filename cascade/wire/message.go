package wire

import (
	"maps"
	"slices"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

// The type numbers of the messages of replicas.
const (
	messageDigest = iota + 1
	messageOps
	messageSnapshot
	messageCommit
	messageState
	messageEnd
)

// The type numbers of steps of a shard.
const (
	opPut = iota + 1
	opRemove
	opSay
)

// message writes m, or returns what it read.
func (c *coder) message(m room.Message) room.Message {
	var kind uint64
	switch m.(type) {
	case room.Digest:
		kind = messageDigest
	case room.Ops:
		kind = messageOps
	case room.Snapshot:
		kind = messageSnapshot
	case room.Commit:
		kind = messageCommit
	case room.State:
		kind = messageState
	case room.End:
		kind = messageEnd
	}
	number(c, &kind, messageDigest, messageEnd)
	if c.err != nil {
		return nil
	}
	switch kind {
	case messageDigest:
		m, _ := m.(room.Digest)
		c.shardVersion(&m.Mine)
		c.shardVersion(&m.Yours)
		c.context(&m.Header)
		return m
	case messageOps:
		m, _ := m.(room.Ops)
		number(c, &m.Incarnation, 0, anything)
		number(c, &m.First, 0, anything-maxOps)
		list(c, &m.Ops, maxOps, op)
		return m
	case messageSnapshot:
		m, _ := m.(room.Snapshot)
		c.shardVersion(&m.Version)
		c.part(&m.Part, &m.Parts)
		list(c, &m.Occupants, maxOps, occupant)
		return m
	case messageCommit:
		m, _ := m.(room.Commit)
		c.dot(&m.Dot)
		c.context(&m.Seen)
		c.vector(&m.Shards)
		list(c, &m.Writes, maxOps, func(c *coder, w *room.Write) {
			c.key(&w.Key)
			text(c, &w.Value, maxText)
		})
		return m
	case messageState:
		m, _ := m.(room.State)
		c.state(&m)
		return m
	}
	e, _ := m.(room.End)
	c.shardVersion(&e.Version)
	return e
}

func (c *coder) state(m *room.State) {
	c.context(&m.Context)
	c.part(&m.Part, &m.Parts)
	list(c, &m.Registers, maxRegisters, func(c *coder, r *room.Register) {
		c.key(&r.Key)
		text(c, &r.Value, maxText)
		c.dot(&r.Dot)
		c.vector(&r.Shards)
	})
}

func op(c *coder, o *room.Op) {
	var kind, set uint64
	if o.Put != nil {
		kind, set = opPut, set+1
	}
	if o.Remove != nil {
		kind, set = opRemove, set+1
	}
	if o.Say != nil {
		kind, set = opSay, set+1
	}
	if !c.reading && set != 1 {
		c.fail("an operation that says %d things", set)
	}
	number(c, &kind, opPut, opSay)
	if c.err != nil {
		return
	}
	if c.reading {
		switch kind {
		case opPut:
			o.Put = &room.Occupant{}
		case opRemove:
			o.Remove = &room.Removal{}
		case opSay:
			o.Say = &room.Utterance{}
		}
	}
	switch kind {
	case opPut:
		occupant(c, o.Put)
	case opRemove:
		endpoint(c, &o.Remove.Endpoint)
		number(c, &o.Remove.Cause, uint64(room.ByItself), uint64(room.Moved))
		optional(c, &o.Remove.Actor, endpoint)
		text(c, &o.Remove.Reason, maxText)
	case opSay:
		utterance(c, o.Say)
	}
}

func utterance(c *coder, u *room.Utterance) {
	endpoint(c, &u.From)
	text(c, &u.ID, maxID)
	text(c, &u.Lang, maxID)
	c.bytes(&u.Inner, maxInnerXML)
}

func occupant(c *coder, o *room.Occupant) {
	endpoint(c, &o.Endpoint)
	text(c, &o.JID, maxJID)
	number(c, &o.Joined, 0, anything)
	number(c, &o.Epoch, 0, anything)
	c.context(&o.Admitted)
	c.bytes(&o.Presence, maxPresence)
	list(c, &o.Sources, maxSources, func(c *coder, s *room.Source) {
		source(c, &s.Name)
		text(c, &s.VideoType, maxLabel)
		text(c, &s.MSID, maxID)
		c.flag(&s.Muted)
		list(c, &s.Encodings, maxEncodings, func(c *coder, e *room.Encoding) {
			number(c, &e.SSRC, 0, 1<<32-1)
			number(c, &e.RTX, 0, 1<<32-1)
		})
	})
}

func (c *coder) key(v *string) {
	if text(c, v, maxKey); *v == "" {
		c.fail("a field without a name")
	}
}

func (c *coder) part(part, parts *uint16) {
	number(c, part, 0, maxParts-1)
	number(c, parts, uint64(*part)+1, maxParts)
}

func (c *coder) shardVersion(v *room.ShardVersion) {
	number(c, &v.Incarnation, 0, anything)
	number(c, &v.Seq, 0, anything)
}

func (c *coder) term(v *room.Term) {
	number(c, &v.Since, 0, anything)
	name(c, &v.Node)
}

func (c *coder) dot(v *room.Dot) {
	c.term(&v.Term)
	number(c, &v.Seq, 1, anything)
}

// context is a list in ascending order of the terms.
func (c *coder) context(v *room.Context) {
	table(c, v, maxTerms, room.Term.Compare, (*coder).term, func(c *coder, n *uint64) { number(c, n, 1, anything) })
}

// vector is a list in ascending order of the nodes.
func (c *coder) vector(v *room.Vector) {
	table(c, v, maxNodes, compareNames, name, (*coder).shardVersion)
}

func compareNames(a, b identity.Name) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// table is a map, as a list in ascending order of its keys.
func table[M ~map[K]V, K comparable, V any](
	c *coder, v *M, limit int, compare func(K, K) int, key func(*coder, *K), value func(*coder, *V),
) {
	type row struct {
		key   K
		value V
	}
	rows := make([]row, 0, len(*v))
	for _, k := range slices.SortedFunc(maps.Keys(*v), compare) {
		rows = append(rows, row{k, (*v)[k]})
	}
	plain(c, &rows, limit, func(c *coder, r *row) {
		key(c, &r.key)
		value(c, &r.value)
	})
	if !c.reading || c.err != nil {
		return
	}
	*v = nil
	if len(rows) > 0 {
		*v = make(M, len(rows))
	}
	for i, r := range rows {
		if i > 0 && compare(rows[i-1].key, r.key) >= 0 {
			c.fail("keys not in ascending order")
			return
		}
		(*v)[r.key] = r.value
	}
}
