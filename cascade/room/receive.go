package room

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Parts of a message that is not whole yet.
type (
	snapshotParts struct {
		version     ShardVersion
		parts, next uint16
		occupants   []Occupant
		bytes       int
	}
	stateParts struct {
		context     Context
		parts, next uint16
		registers   []Register
		bytes       int
	}
)

// Receive takes a message of another node's replica. What makes no sense is refused with an error and changes nothing.
func (r *Replica) Receive(now time.Time, from identity.Name, m Message) ([]Effect, error) {
	if r.left {
		return nil, nil
	}
	if err := r.check(now, from, m); err != nil {
		return nil, fmt.Errorf("message from %s: %w", from, err)
	}
	if _, ok := m.(End); ok && r.peers[from] == nil {
		return nil, nil
	}
	p, err := r.from(now, from)
	if err != nil {
		return nil, fmt.Errorf("message from %s: %w", from, err)
	}
	switch m := m.(type) {
	case Digest:
		r.digest(now, p, m)
	case Ops:
		r.ops(now, p, m)
	case Snapshot:
		err = r.part(now, p, m)
	case Commit:
		err = r.commit(p, m)
	case State:
		err = r.state(p, m)
	case End:
		r.end(now, p, m)
	}
	if err != nil {
		return r.flush(now), fmt.Errorf("message from %s: %w", from, err)
	}
	r.answer(now, p)
	return r.flush(now), nil
}

// stale reports whether what a peer says is from before it left the room. If not, it is back.
func (r *Replica) stale(p *peer, v ShardVersion) bool {
	if p.ended && !r.newer(v, p.end) {
		return true
	}
	p.ended = false
	return false
}

func (r *Replica) digest(now time.Time, p *peer, d Digest) {
	if r.stale(p, d.Mine) {
		p.owesDigest = true
		return
	}
	p.has, p.header = d.Yours, d.Header
	for t := range d.Header {
		r.learn(t.Since)
	}
	if r.own.version.Before(d.Yours) {
		r.raise(now, d.Yours)
	}
	told := now.Sub(p.toldAt) < onItsWay
	if told && r.newer(p.toldShard, p.has) && !r.newer(p.toldShard, r.own.version) {
		p.has = p.toldShard
	}
	p.owesShard = r.newer(r.own.version, p.has)
	p.owesHeader = !d.Header.Covers(r.header.context) && (!told || !p.toldHeader.Covers(r.header.context))
	p.owesDigest = p.owesDigest || r.newer(d.Mine, p.shard.version) || !r.header.context.Covers(d.Header)
}

func (r *Replica) ops(now time.Time, p *peer, m Ops) {
	last := ShardVersion{m.Incarnation, m.First + uint64(len(m.Ops)) - 1}
	if r.stale(p, last) || !r.newer(last, p.shard.version) {
		return
	}
	if m.Incarnation != p.shard.version.Incarnation {
		if m.First != 1 {
			p.owesDigest = true
			return
		}
		r.begin(now, p, ShardVersion{Incarnation: m.Incarnation})
	}
	if m.First > p.shard.version.Seq+1 {
		p.owesDigest = true
		return
	}
	for i, op := range m.Ops {
		v := ShardVersion{m.Incarnation, m.First + uint64(i)}
		if v.Seq <= p.shard.version.Seq {
			continue
		}
		known := !r.knew[p.name].Before(v)
		r.advance(p, v)
		switch {
		case op.Put != nil:
			r.learn(op.Put.Joined)
			p.shard.put(*op.Put, v)
			r.resolve(op.Put.Endpoint, Removal{})
		case op.Remove != nil:
			r.removed(now, &p.shard, *op.Remove)
		case !known && r.audible(p.shard.occupants[op.Say.From].Occupant):
			r.emit(Heard{p.name, *op.Say})
		}
	}
}

// begin starts the copy of a peer's part anew: the peer was started again. Whom it had may come back elsewhere.
func (r *Replica) begin(now time.Time, p *peer, v ShardVersion) {
	for id, c := range p.shard.occupants {
		p.shard.moving[id] = move{c, now.Add(grace)}
	}
	p.shard = shard{version: v, occupants: make(map[EndpointID]record), moving: p.shard.moving}
	r.advance(p, v)
}

func (r *Replica) part(now time.Time, p *peer, m Snapshot) error {
	if r.stale(p, m.Version) || !r.newer(m.Version, p.shard.version) {
		return nil
	}
	if m.Part == 0 {
		p.snapshot = snapshotParts{version: m.Version, parts: m.Parts}
	}
	s := &p.snapshot
	if m.Version != s.version || m.Parts != s.parts || m.Part != s.next {
		p.snapshot, p.owesDigest = snapshotParts{}, true
		return nil
	}
	s.next++
	s.occupants = append(s.occupants, m.Occupants...)
	for _, o := range m.Occupants {
		s.bytes += o.size()
	}
	if len(s.occupants) > maxOccupants || s.bytes > maxShard {
		p.snapshot = snapshotParts{}
		return fmt.Errorf("snapshot: more than %d occupants at one node", maxOccupants)
	}
	if s.next < s.parts {
		return nil
	}
	occupants := s.occupants
	p.snapshot = snapshotParts{}
	var touched []Occupant
	was := p.shard.occupants
	if m.Version.Incarnation != p.shard.version.Incarnation {
		r.begin(now, p, m.Version)
	} else {
		touched = p.shard.sorted()
		p.shard = shard{occupants: make(map[EndpointID]record), moving: p.shard.moving}
		r.advance(p, m.Version)
	}
	for _, o := range occupants {
		r.learn(o.Joined)
		p.shard.put(o, m.Version)
		if c := p.shard.occupants[o.Endpoint]; was[o.Endpoint].Joined == o.Joined && was[o.Endpoint].Epoch == o.Epoch {
			c.since = append(c.since, was[o.Endpoint].since...)
			c.since = c.since[:min(len(c.since), 8)]
			p.shard.occupants[o.Endpoint] = c
		}
		touched = append(touched, o)
	}
	r.resolveAll(touched, Removal{})
	return nil
}

// end drops the part of a peer that left the room. Without a version the peer says that it does not know the room, after a
// new start: whom it had may come back elsewhere.
func (r *Replica) end(now time.Time, p *peer, m End) {
	if m.Version != (ShardVersion{}) && r.newer(p.shard.version, m.Version) {
		return
	}
	if p.end = m.Version; r.newer(p.shard.version, p.end) {
		p.end = p.shard.version
		r.begin(now, p, ShardVersion{})
	}
	left := p.shard.sorted()
	p.ended, p.shard = true, shard{occupants: make(map[EndpointID]record), moving: p.shard.moving}
	p.snapshot, p.state = snapshotParts{}, stateParts{}
	p.owesShard, p.owesHeader, p.owesDigest = false, false, false
	delete(r.knew, p.name)
	r.resolveAll(left, Removal{})
}

func (r *Replica) state(p *peer, m State) error {
	if m.Part == 0 {
		p.state = stateParts{context: m.Context, parts: m.Parts}
	}
	s := &p.state
	if m.Parts != s.parts || m.Part != s.next || !maps.Equal(m.Context, s.context) {
		p.state, p.owesDigest = stateParts{}, true
		return nil
	}
	s.next++
	s.registers = append(s.registers, m.Registers...)
	for _, register := range m.Registers {
		s.bytes += register.size()
	}
	if len(s.registers) > 2*maxRegisters || s.bytes > 2*maxHeader || !r.fits(s.registers) {
		p.state = stateParts{}
		return errors.New("state: a header that is too big")
	}
	if s.next < s.parts {
		return nil
	}
	registers := s.registers
	p.state = stateParts{}
	r.adopt(m.Context, registers)
	return nil
}
