package room

// Message is what the replicas of a room tell each other: one of [Digest], [Ops], [Snapshot], [Commit], [State], [End].
type Message interface{ message() }

// Digest says what the sender has. Sent on contact, every two seconds, and in answer to one that shows a difference.
type Digest struct {
	Mine   ShardVersion // of the sender's shard
	Yours  ShardVersion // of the receiver's shard, as far as the sender has it
	Header Context
}

// Op is one step of a shard: exactly one field is set.
type Op struct {
	Put    *Occupant
	Remove *Removal
	Say    *Utterance
}

// Ops are steps of the sender's shard, the first of which has the sequence First.
type Ops struct {
	Incarnation, First uint64
	Ops                []Op
}

// Snapshot is one part of the sender's whole shard. Parts of one version follow each other, from 0 to Parts-1.
type Snapshot struct {
	Version     ShardVersion
	Part, Parts uint16
	Occupants   []Occupant
}

// Write gives a field of the header a value; the empty one is that of a field never written.
type Write struct{ Key, Value string }

// Commit is what the sequencer of a term wrote at once. It replaces, for the keys that it writes, all that Seen contains.
type Commit struct {
	Dot    Dot
	Seen   Context
	Shards Vector // the parts of the room as the sequencer knew them
	Writes []Write
}

// Register is one value of a field that no later write has replaced. A field has several when sequencers wrote without
// knowing of each other.
type Register struct {
	Key, Value string
	Dot        Dot
	Shards     Vector // for fields that restrict who may enter
}

// State is one part of the sender's whole header. Parts follow each other, from 0 to Parts-1.
type State struct {
	Context     Context
	Part, Parts uint16
	Registers   []Register
}

// End says that the sender no longer holds the room.
type End struct{ Version ShardVersion }

func (Digest) message()   {}
func (Ops) message()      {}
func (Snapshot) message() {}
func (Commit) message()   {}
func (State) message()    {}
func (End) message()      {}
