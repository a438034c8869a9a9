package room

import (
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Config is what a [Replica] is made of.
type Config struct {
	Self identity.Name
	Room string
	// Incarnation has to grow with every Replica that the node makes of the room. It is meant to be uint64(At(now)):
	// what lies further ahead of a peer's clock than twice Drift is refused there.
	Incarnation uint64

	flaw flaw
}

// flaw is a mistake that a test asks for, to see that it would be found.
type flaw uint8

const (
	sound           flaw = iota
	dropIncarnation      // versions are compared by their sequence alone
	dropFencing          // who was sequencer goes on in its old term, and writes of old terms replace those of new ones
	dropTieBreak         // of two at the same time the one counts that came first
	vanishTwice          // occupants of a node that is forgotten vanish twice
	skipReadmission      // nobody is admitted again
)

// Replica is what a node knows of a room: its own part of it, copies of the parts of others, and the header.
type Replica struct {
	config Config
	left   bool

	own      shard
	log      log
	stays    map[EndpointID]*stay
	peers    map[identity.Name]*peer
	order    []identity.Name // of peers, sorted
	reach    map[identity.Name]bool
	knew     Vector // the last versions of others' parts, also of those forgotten since
	seats    map[EndpointID]*seat
	digestAt time.Time
	raisedAt time.Time

	header    header
	term      Term // the last one that this replica began
	sequencer identity.Name
	forgive   time.Time // when a kick is to be written away

	last Time
	out  []Effect
}

// NewReplica returns the replica of a room that nothing is known of.
func NewReplica(c Config) *Replica {
	return &Replica{
		config: c,
		own:    newShard(ShardVersion{Incarnation: c.Incarnation}),
		stays:  make(map[EndpointID]*stay),
		peers:  make(map[identity.Name]*peer),
		knew:   make(Vector),
		seats:  make(map[EndpointID]*seat),
		header: header{untied: c.flaw == dropTieBreak},
	}
}

func (r *Replica) emit(e Effect) { r.out = append(r.out, e) }

// flush ends a call: who is the sequencer is looked at again, and the effects go out.
func (r *Replica) flush(now time.Time) []Effect {
	r.settle(now)
	out := r.out
	r.out = nil
	return out
}

// Stamp returns a time after all that the replica has seen. While the clock is behind, how far after depends on the
// incarnation: an earlier replica of this node may have seen the same and stamped what nobody heard of.
func (r *Replica) Stamp(now time.Time) Time {
	r.last = max(At(now), r.last+1+Time(mix(r.config.Incarnation)>>54))
	return r.last
}

func (r *Replica) learn(t Time) { r.last = max(r.last, t) }

// Version returns how far the own part of the room has come.
func (r *Replica) Version() ShardVersion { return r.own.version }

// Value returns what a field of the header says, "" when nothing.
func (r *Replica) Value(key string) string { return r.header.value(key) }

// Values returns all fields of the header that say something.
func (r *Replica) Values() map[string]string { return r.header.values() }

// Snapshot returns the whole header, for [Replica.Adopt] elsewhere.
func (r *Replica) Snapshot() State { return r.header.state() }

// Occupants returns who is in the room, in the order of their joining.
func (r *Replica) Occupants() []Member {
	all := make([]Member, 0, len(r.seats))
	for _, s := range r.seats {
		if s.shown {
			all = append(all, s.Member)
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return byJoining(a.Occupant, b.Occupant) })
	return all
}

// Occupant returns the occupant with the id, if it is in the room.
func (r *Replica) Occupant(id EndpointID) (Member, bool) {
	if s := r.seats[id]; s != nil && s.shown {
		return s.Member, true
	}
	return Member{}, false
}

// Leave ends the replica: the peers are told that the node no longer holds the room. Calls after it do nothing.
func (r *Replica) Leave(time.Time) []Effect {
	if r.left {
		return nil
	}
	r.broadcast(End{r.own.version})
	r.left = true
	out := r.out
	r.out = nil
	return out
}

// Tick does what is due; see [Replica.Next].
func (r *Replica) Tick(now time.Time) []Effect {
	if r.left {
		return nil
	}
	r.expireMoves(now)
	for _, name := range slices.Clone(r.order) {
		p := r.peers[name]
		if !p.holder && now.Sub(p.contact) >= absence {
			r.forget(p)
			r.removePeer(name)
			continue
		}
		p.silent = p.lost.IsZero() && now.Sub(p.heard) >= silence
		if due := p.forgetAt(); !due.IsZero() && !now.Before(due) {
			r.forget(p)
		}
		r.answer(now, p)
	}
	if !now.Before(r.digestAt) {
		r.digestAt = now.Add(digestEvery)
		r.shorten(now)
		for _, name := range r.order {
			if p := r.peers[name]; !p.ended && p.lost.IsZero() {
				r.sendDigest(p)
			}
		}
	}
	if !r.forgive.IsZero() && !now.Before(r.forgive) {
		r.forgiveKicks(now)
	}
	return r.flush(now)
}

// Next returns when Tick has something to do, the zero time when never.
func (r *Replica) Next() time.Time {
	var next time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if r.left {
		return next
	}
	for _, l := range r.own.moving {
		at(l.until)
	}
	for _, p := range r.peers {
		for _, l := range p.shard.moving {
			at(l.until)
		}
		if !p.holder {
			at(p.contact.Add(absence))
		}
		at(p.forgetAt())
		if p.lost.IsZero() && !p.silent && !p.ended {
			at(p.heard.Add(silence))
		}
		if p.owes() {
			at(p.answered.Add(answerEvery))
		}
		if !p.ended && p.lost.IsZero() {
			at(r.digestAt)
		}
	}
	at(r.forgive)
	return next
}

// names returns the keys of a vector, sorted.
func (v Vector) names() []identity.Name { return slices.Sorted(maps.Keys(v)) }
