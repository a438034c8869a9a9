// Package room holds the nouns of a room that every part of a node uses: who is in it ([EndpointID]), what they send
// ([Source], [SourceName], [Encoding]), who serves them ([Epoch]); and what the nodes that hold a room know of it together
// ([Replica]).
//
// It is an engine package: standard library only, no clocks, no goroutines. Everybody may import it.
//
// A participant is one endpoint. Its id is eight lower-case hexadecimal digits, unique in the cluster, and is also the
// nick of its occupant. A source is one microphone, camera or screen. Its name says whose it is and what it is:
//
//	478dfae7-a0   first audio source of endpoint 478dfae7
//	478dfae7-v1   second video source of endpoint 478dfae7
//
// Only the endpoint that a name begins with may announce it. SSRCs are scoped to the endpoint that sends them: two
// endpoints may use the same number.
//
// # Parts and header
//
// A room has no master. It is in two halves, by the consistency that each needs.
//
// The part of a node (its shard) is what the node's own clients are. The node alone writes it, so nothing in it can
// conflict; others hold copies. Each [Replica.Put], [Replica.Remove] and [Replica.Say] is one operation with the next
// sequence and goes to all peers at once. A version is (incarnation, sequence); the incarnation grows with every start, and
// what has a lower one is old whatever its sequence.
//
// The header is what the room has once: password, subject, affiliations, kicks. One node at a time writes it, the
// sequencer. Its time is a [Term], its writes are [Commit]s, named by [Dot]s; a replica knows by a [Context] which of them
// it has seen. A field is a set of registers: a write replaces those that its writer had seen, and what was written
// without knowing of each other stands side by side. Headers join like sets, in any order and as often as one likes.
// What a field says is resolved when it is read: a set password wins over none, membersonly "1" over "", opensubject ""
// over "1", mod/ "1" over "", outcast over owner over admin over member over none, the oldest meeting over the others;
// beyond that the highest dot.
//
// # Who is told what
//
//	Digest    what the sender has of both parts, and its context. On contact (a new peer, LinkUp), every 2 s to each peer
//	          that can be reached, and in answer to one that shows that its sender has more, at most every 200 ms. What a
//	          Digest lacks is sent at once, and not again for a second
//	Ops       operations in sequence. Those that a peer lacks come from a log of 256 operations and 1 MiB
//	Snapshot  the whole part, when the log does not reach back, in messages of 240 KiB. Applied with the last
//	Commit    a write. Applied when all that it builds on is there; otherwise a Digest asks for the header
//	State     the whole header, in messages of 240 KiB
//	End       the sender leaves the room. Without a version: it does not know the room. A node answers with that to a
//	          Digest of a room that it does not hold, so that a start without memory is noticed at once
//
// The sender's name comes from its certificate: an operation, snapshot or end is about the part of its sender, a commit
// about a term of its sender. What is out of bounds (bounds are in valid.go), stamped more than [Drift] ahead of the clock, or
// speaks of sources of another endpoint is refused whole. The header that a State brings is believed of any node
// that holds the room: a member that lies can change a header, as it could by becoming sequencer. Messages from one node
// must come in the order in which they were sent; they may be lost with the link.
//
// A node counts as a peer from when the directory lists it (SetPeers) or it sends something, until it sends End, or was
// neither listed nor heard for 30 s. When a peer's Digest shows a newer version of the own part than there is, the node
// was started again with a slower clock: it raises its incarnation above that one and tells its part anew.
//
// # Who is in the room
//
// Of the records of one endpoint in all parts that with the highest epoch counts, without a word to those who look on; a
// record with a lower epoch that is left over somewhere does not count later either. With equal epochs on two nodes the one
// that joined first counts, of two at the same time that of the lower node, and the other's owner gets [Evict].
//
// Occupants of a peer that can not be reached, or can be and has said nothing for 6 s, stay for the grace (10 s) and
// vanish then, cause Gone; its copy is forgotten. When it is heard again they appear again. Those whom a
// node no longer has after a new start, and those removed with the cause Moved, stay for the grace too, until another node
// has them. Everything else is told at once. For each [Appeared] there is one [Vanished] at most, and what an occupant
// says is heard in between.
//
// A kick (field [FieldKick]) hides occupancies that joined up to its time from the view of everybody at once; the owner
// carries it out. The sequencer takes kicks out of the header after 10 minutes.
//
// # Who may be in
//
// Each occupant remembers the context that it was admitted under. A commit that restricts who may enter (password,
// membersonly) carries the versions of all parts that its writer knew, also those of nodes that are out of reach since: who was
// in then stays. When a restriction arrives at a node that did not know of it, the node asks for every own occupant who was
// neither admitted under it nor in at its time ([Readmit]). Where a restriction follows another, a node that is not known to
// have heard of the other counts as at the other's time. Who moves in from another node is asked for what it has not
// passed there.
//
// # Who writes the header
//
// The node of the highest term, as long as it holds the room, can be reached and is heard; otherwise the first in an order that all
// compute alike, who begins a term at once and says so in the header. A term begins after all times that its node
// knows, so terms grow. A node writes in the last term that it knows only, and only if it began it in this life: there is
// one writer in a term. Two halves of a cut room have two sequencers; when they meet, that with the higher term goes on.
//
// A context tells 64 terms apart, the sequencer makes one of older ones when they are more than an hour old.
package room
