package room

import (
	"cmp"
	"slices"
	"time"
)

// How much of the own shard is kept to tell those who missed something.
const (
	maxLog      = 256
	maxLogBytes = 1 << 20
)

// shard is what the clients of one node are.
type shard struct {
	version   ShardVersion
	occupants map[EndpointID]record
	// moving are those who were said to move to another node and were not seen there yet, and those whom a node that
	// began anew no longer has: they may be on their way to another. They are shown until the time.
	moving map[EndpointID]move
	bytes  int
}

// record is what a shard says of one occupant.
type record struct {
	Occupant
	// since are the versions of the shard at which the occupant was there first: one in each incarnation.
	since []ShardVersion
}

type move struct {
	record
	until time.Time
}

// covered reports whether the occupant was in at a version of the shard.
func (c record) covered(v ShardVersion) bool {
	return slices.ContainsFunc(c.since, func(in ShardVersion) bool { return in.Incarnation == v.Incarnation && in.Seq <= v.Seq })
}

func newShard(v ShardVersion) shard {
	return shard{version: v, occupants: make(map[EndpointID]record), moving: make(map[EndpointID]move)}
}

// put takes in an occupant that the shard had at a version.
func (s *shard) put(o Occupant, v ShardVersion) {
	c, had := s.occupants[o.Endpoint]
	if had {
		s.bytes -= c.size()
	}
	if !had || c.Joined != o.Joined || c.Epoch != o.Epoch {
		c.since = []ShardVersion{v}
	}
	c.Occupant = o
	s.bytes += o.size()
	s.occupants[o.Endpoint] = c
	delete(s.moving, o.Endpoint)
}

func (s *shard) remove(id EndpointID) (record, bool) {
	c, ok := s.occupants[id]
	if ok {
		s.bytes -= c.size()
		delete(s.occupants, id)
	}
	return c, ok
}

// record returns what the shard says of an endpoint.
func (s *shard) record(id EndpointID) (record, bool) {
	if c, ok := s.occupants[id]; ok {
		return c, true
	}
	m, ok := s.moving[id]
	return m.record, ok
}

// sorted returns the occupants in the order of their joining.
func (s *shard) sorted() []Occupant {
	all := make([]Occupant, 0, len(s.occupants))
	for _, c := range s.occupants {
		all = append(all, c.Occupant)
	}
	slices.SortFunc(all, byJoining)
	return all
}

func byJoining(a, b Occupant) int {
	return cmp.Or(cmp.Compare(a.Joined, b.Joined), cmp.Compare(a.Endpoint, b.Endpoint))
}

// log is the last steps of the own shard.
type log struct {
	ops   []Op
	first uint64 // sequence of the first
	bytes int
}

func (l *log) append(seq uint64, op Op) {
	if len(l.ops) == 0 {
		l.first = seq
	}
	l.ops, l.bytes = append(l.ops, op), l.bytes+op.size()
	for len(l.ops) > maxLog || l.bytes > maxLogBytes {
		l.bytes -= l.ops[0].size()
		l.ops[0] = Op{}
		l.ops, l.first = l.ops[1:], l.first+1
	}
}

// since returns the steps behind a sequence, and whether all of them are there.
func (l *log) since(seq uint64) ([]Op, bool) {
	if len(l.ops) == 0 || seq+1 < l.first || seq+1 > l.first+uint64(len(l.ops)) {
		return nil, false
	}
	return l.ops[seq+1-l.first:], true
}

// Said returns what own occupants said after one version of the own part up to another, as far as it is remembered.
func (r *Replica) Said(since, until ShardVersion) []Utterance {
	if until.Incarnation != r.own.version.Incarnation {
		return nil
	}
	from := uint64(1)
	if since.Incarnation == until.Incarnation {
		from = since.Seq + 1
	}
	var all []Utterance
	for i, op := range r.log.ops {
		if seq := r.log.first + uint64(i); op.Say != nil && seq >= from && seq <= until.Seq {
			all = append(all, *op.Say)
		}
	}
	return all
}

// Seen returns how far the parts of the room have come here, the own one included.
func (r *Replica) Seen() Vector {
	v := Vector{r.config.Self: r.own.version}
	for name, p := range r.peers {
		if p.shard.version != (ShardVersion{}) {
			v[name] = p.shard.version
		}
	}
	return v
}

// stay is what only the owner remembers of an occupant.
type stay struct {
	evicted  bool
	doubtful bool // asked to be admitted again
}

// Put tells of an own occupant: a new one, or another state of one who is in. Joined, Epoch and Admitted are stamped when
// they are zero; those of one who is in stay. Who comes with a Joined comes from another node: it was admitted there, and
// is asked again when it was not in at a restriction that came since.
func (r *Replica) Put(now time.Time, o Occupant) []Effect {
	if _, err := ParseEndpointID(string(o.Endpoint)); err != nil || r.left {
		return nil
	}
	old, had := r.own.occupants[o.Endpoint]
	if !had && len(r.own.occupants) >= maxOccupants {
		return nil
	}
	moved := o.Joined != 0 && (!had || o.Joined != old.Joined || o.Epoch > old.Epoch)
	switch {
	case o.Joined != 0 && !tooLate(o.Joined, now.Add(Drift)):
		r.learn(o.Joined)
	case had:
		o.Joined = old.Joined
	default:
		o.Joined = r.Stamp(now)
	}
	if o.Epoch == 0 {
		o.Epoch = max(old.Epoch, 1)
	}
	s := r.stays[o.Endpoint]
	if s == nil || o.Joined != old.Joined || o.Epoch != old.Epoch {
		s = &stay{}
		r.stays[o.Endpoint] = s
	}
	var doubts []Effect
	switch {
	case moved:
		o.Admitted, doubts = r.arrives(o)
		s.doubtful = len(doubts) > 0
	case o.Admitted != nil:
		s.doubtful = false
	case had:
		o.Admitted = old.Admitted
	default:
		o.Admitted = r.header.context
	}
	if o = o.trimmed(); r.own.bytes-old.size()+o.size() > maxShard {
		o.Presence, o.Sources = nil, nil
	}
	r.step(Op{Put: &o})
	r.own.put(o, r.own.version)
	r.resolve(o.Endpoint, Removal{})
	r.out = append(r.out, doubts...)
	return r.flush(now)
}

// Remove ends the occupancy of an own occupant. One who is Moved is shown until it is seen at another node, for the grace
// at most.
func (r *Replica) Remove(now time.Time, why Removal) []Effect {
	if _, had := r.own.occupants[why.Endpoint]; !had || r.left {
		return nil
	}
	why = why.trimmed()
	r.step(Op{Remove: &why})
	delete(r.stays, why.Endpoint)
	r.removed(now, &r.own, why)
	return r.flush(now)
}

// Say tells everybody what an own occupant says. Nothing is said by one who is not shown.
func (r *Replica) Say(now time.Time, u Utterance) []Effect {
	if r.left || u.check() != nil || !r.audible(r.own.occupants[u.From].Occupant) {
		return nil
	}
	r.step(Op{Say: &u})
	r.emit(Heard{r.config.Self, u})
	return r.flush(now)
}

// step counts an operation on the own shard, and tells the peers.
func (r *Replica) step(op Op) {
	r.own.version.Seq++
	r.log.append(r.own.version.Seq, op)
	r.broadcast(Ops{r.own.version.Incarnation, r.own.version.Seq, []Op{op}})
}

// removed carries out a removal from a shard.
func (r *Replica) removed(now time.Time, s *shard, why Removal) {
	c, had := s.remove(why.Endpoint)
	if had && why.Cause == Moved {
		s.moving[why.Endpoint] = move{c, now.Add(grace)}
	}
	r.resolve(why.Endpoint, why)
}

// expireMoves ends the occupancies of those who were not seen again.
func (r *Replica) expireMoves(now time.Time) {
	shards := []*shard{&r.own}
	for _, name := range r.order {
		shards = append(shards, &r.peers[name].shard)
	}
	for _, s := range shards {
		var over []Occupant
		for _, m := range s.moving {
			if !m.until.After(now) {
				over = append(over, m.Occupant)
			}
		}
		slices.SortFunc(over, byJoining)
		for _, o := range over {
			delete(s.moving, o.Endpoint)
			r.resolve(o.Endpoint, Removal{})
		}
	}
}

// raise begins the own shard anew, above what a peer has of an earlier life of this node.
func (r *Replica) raise(now time.Time, above ShardVersion) {
	if now.Sub(r.raisedAt) < answerEvery {
		return
	}
	r.raisedAt = now
	r.own.version = ShardVersion{Incarnation: max(above.Incarnation, r.own.version.Incarnation) + 1}
	r.log = log{}
	for _, o := range r.own.sorted() {
		r.own.version.Seq++
		r.log.append(r.own.version.Seq, Op{Put: &o})
		c := r.own.occupants[o.Endpoint]
		c.since = append(c.since[max(0, len(c.since)-8):len(c.since):len(c.since)], r.own.version)
		r.own.occupants[o.Endpoint] = c
	}
	for _, name := range r.order {
		if p := r.peers[name]; !p.ended {
			p.has = ShardVersion{}
			r.sendShard(p)
		}
	}
}
