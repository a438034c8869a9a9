package room

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	grace       = 10 * time.Second       // how long occupants of a node that cannot be reached stay
	absence     = 30 * time.Second       // how long a node counts that is neither listed nor heard from
	digestEvery = 2 * time.Second        // to each node that can be reached
	silence     = 6 * time.Second        // how long a node that can be reached may say nothing: three digests
	answerEvery = 200 * time.Millisecond // to one node
	onItsWay    = time.Second            // how long nothing is told again
)

// peer is another node that holds the room, and the copy of its part.
type peer struct {
	name    identity.Name
	holder  bool      // listed by the directory
	contact time.Time // when it was last listed or heard from
	lost    time.Time // since when it can not be reached; zero while it can
	heard   time.Time // when a message came last, or when it could be reached again
	met     bool      // a message came
	silent  bool      // it can be reached and says nothing: it may have started again without the room
	shard   shard
	end     ShardVersion // it left the room with this version
	ended   bool

	snapshot snapshotParts
	state    stateParts

	// What it said that it has, and what it was told last of what it lacks, which may be on its way.
	has, toldShard                    ShardVersion
	header, toldHeader                Context
	toldAt                            time.Time
	owesShard, owesHeader, owesDigest bool // to be told at the next answer
	answered                          time.Time
}

func (p *peer) owes() bool { return p.owesShard || p.owesHeader || p.owesDigest }

// forgetAt returns when the copy of the peer's part is to be forgotten if nothing happens, the zero time when it is not to be.
func (p *peer) forgetAt() time.Time {
	switch {
	case p.shard.version == (ShardVersion{}):
		return time.Time{}
	case p.lost.IsZero():
		return p.heard.Add(silence + grace)
	}
	return p.lost.Add(grace)
}

// SetPeers says which nodes hold the room, as far as the directory knows. A node that is no longer listed counts until it
// has been silent for half a minute.
func (r *Replica) SetPeers(now time.Time, holders []identity.Name) []Effect {
	if r.left {
		return nil
	}
	listed := make(map[identity.Name]bool, len(holders))
	for _, name := range holders {
		if name != r.config.Self && len(listed) < maxPeers {
			listed[name] = true
		}
	}
	for _, name := range r.order {
		p := r.peers[name]
		if p.holder && !listed[name] {
			p.contact = now
		}
		p.holder = listed[name]
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		if r.peers[name] == nil {
			r.addPeer(now, name)
		}
		p := r.peers[name]
		p.holder, p.contact = true, now
	}
	return r.flush(now)
}

// addPeer meets a node for the first time.
func (r *Replica) addPeer(now time.Time, name identity.Name) *peer {
	p := &peer{name: name, contact: now, heard: now, shard: newShard(ShardVersion{})}
	if !r.reach[name] {
		p.lost = now
	}
	r.peers[name] = p
	at, _ := slices.BinarySearch(r.order, name)
	r.order = slices.Insert(r.order, at, name)
	if r.digestAt.IsZero() {
		r.digestAt = now.Add(digestEvery)
	}
	r.sendDigest(p)
	return p
}

func (r *Replica) removePeer(name identity.Name) {
	delete(r.peers, name)
	if at, ok := slices.BinarySearch(r.order, name); ok {
		r.order = slices.Delete(r.order, at, at+1)
	}
}

// SetReachable says which nodes can be reached, directly or over one relay.
func (r *Replica) SetReachable(now time.Time, names []identity.Name) []Effect {
	if r.left {
		return nil
	}
	r.reach = make(map[identity.Name]bool, len(names))
	for _, name := range names {
		r.reach[name] = true
	}
	for _, name := range r.order {
		p := r.peers[name]
		switch {
		case r.reach[name] && !p.lost.IsZero():
			p.lost, p.heard, p.silent = time.Time{}, now, false
		case r.reach[name]:
		case p.lost.IsZero():
			p.lost = now
		}
	}
	return r.flush(now)
}

// LinkUp says that there is a way to a node again that may have lost what was sent before.
func (r *Replica) LinkUp(now time.Time, name identity.Name) []Effect {
	p := r.peers[name]
	if r.left || p == nil {
		return nil
	}
	p.toldAt = time.Time{}
	if !p.ended {
		r.sendDigest(p)
	}
	return r.flush(now)
}

// forget drops the copy of a peer's part. Who was in it vanishes, unless another node has it.
func (r *Replica) forget(p *peer) {
	touched := p.shard.sorted()
	for _, m := range p.shard.moving {
		touched = append(touched, m.Occupant)
	}
	p.shard, p.snapshot, p.state = newShard(ShardVersion{}), snapshotParts{}, stateParts{}
	r.resolveAll(touched, Removal{})
	if r.config.flaw == vanishTwice {
		for _, o := range touched {
			r.emit(Vanished{p.name, Removal{Endpoint: o.Endpoint, Cause: Gone}})
		}
	}
}

// advance notes how far the copy of a peer's part has come.
func (r *Replica) advance(p *peer, v ShardVersion) {
	p.shard.version = v
	was, ok := r.knew[p.name]
	if was.Incarnation == v.Incarnation && was.Seq > v.Seq {
		return // a copy that was forgotten had come further
	}
	if !ok && len(r.knew) >= maxPeers {
		for _, name := range r.knew.names() {
			if r.peers[name] == nil {
				delete(r.knew, name)
				break
			}
		}
	}
	r.knew[p.name] = v
}

// newer reports whether a version is after another.
func (r *Replica) newer(a, b ShardVersion) bool {
	if r.config.flaw == dropIncarnation {
		return a.Seq > b.Seq
	}
	return b.Before(a)
}

func (r *Replica) broadcast(m Message) {
	for _, name := range r.order {
		if !r.peers[name].ended {
			r.emit(Send{name, m})
		}
	}
}

func (r *Replica) sendDigest(p *peer) {
	p.owesDigest = false
	yours := p.shard.version
	if p.ended {
		yours = p.end // whoever came back with a lower clock has to go beyond it
	}
	r.emit(Send{p.name, Digest{Mine: r.own.version, Yours: yours, Header: r.header.context}})
}

// answer tells a peer what it lacks, at most once in a while.
func (r *Replica) answer(now time.Time, p *peer) {
	if !p.owes() || now.Sub(p.answered) < answerEvery {
		return
	}
	p.answered = now
	if p.owesShard {
		r.sendShard(p)
		p.toldShard, p.toldAt = r.own.version, now
	}
	if p.owesHeader {
		r.sendHeader(p)
		p.toldHeader, p.toldAt = r.header.context, now
	}
	if p.owesDigest {
		r.sendDigest(p)
	}
}

// sendShard tells a peer the steps that it lacks, or else the whole own part.
func (r *Replica) sendShard(p *peer) {
	p.owesShard = false
	if p.has.Incarnation == r.own.version.Incarnation {
		if ops, ok := r.log.since(p.has.Seq); ok {
			seq := p.has.Seq + 1
			for _, some := range chunks(ops, Op.size) {
				r.emit(Send{p.name, Ops{r.own.version.Incarnation, seq, some}})
				seq += uint64(len(some))
			}
			return
		}
	}
	parts := chunks(r.own.sorted(), Occupant.size)
	if len(parts) == 0 {
		parts = append(parts, nil)
	}
	for i, some := range parts {
		r.emit(Send{p.name, Snapshot{r.own.version, uint16(i), uint16(len(parts)), some}})
	}
}

func (r *Replica) sendHeader(p *peer) {
	p.owesHeader = false
	whole := r.header.state()
	parts := chunks(whole.Registers, Register.size)
	if len(parts) == 0 {
		parts = append(parts, nil)
	}
	for i, some := range parts {
		r.emit(Send{p.name, State{whole.Context, uint16(i), uint16(len(parts)), some}})
	}
}

// chunks divides items so that each part keeps to the size of a message.
func chunks[T any](items []T, size func(T) int) [][]T {
	var parts [][]T
	room := 0
	for _, item := range items {
		n := size(item)
		if len(parts) == 0 || n > room || len(parts[len(parts)-1]) == maxItems {
			parts, room = append(parts, nil), maxPart
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], item)
		room -= n
	}
	return parts
}

// from returns the peer that a message came from. A node that is not listed yet counts from when it speaks of the room.
func (r *Replica) from(now time.Time, name identity.Name) (*peer, error) {
	if name == r.config.Self || name == "" {
		return nil, errors.New("this node has the same name")
	}
	p := r.peers[name]
	if p == nil {
		if len(r.order) >= maxPeers {
			return nil, fmt.Errorf("one more node: %d hold the room", len(r.order))
		}
		p = r.addPeer(now, name)
	}
	p.contact, p.heard, p.met, p.silent = now, now, true, false
	if !p.lost.IsZero() {
		p.lost = now
	}
	return p, nil
}
