// Package directory knows which nodes hold a room. It is made of engines: time is an argument, what is to be sent or told
// comes back as a list of effects.
//
// # Servers
//
// Every room has three directory servers: the first three of all live members in the order of [Rank], rendezvous hashing of
// the room's name. Nobody assigns them; a member that comes or goes moves only the rooms that it serves. Members whose views
// differ for a moment ask and tell different servers, of which most are the same.
//
// [Rank] is a part of the protocol and does not change: the score of a node is
//
//	mix(FNV-1a(key) xor mix(FNV-1a(node)))
//
// with the 64-bit FNV-1a and mix the finaliser of splitmix64; the highest score is first, equal ones go by name.
//
// # Leases
//
// A node that holds a room has a lease at each of the three for 30 s, and takes it again every 10 s. A lease is written for
// the peer that sent it and for nobody else. When the three change, it takes leases at the new ones at once and then gives
// back those at the others. A server tells all holders of a room of each other whenever their set changes, and tells a
// holder again each time it takes its lease anew: whatever is lost, everybody knows of everybody one refresh after the
// network is well. Nothing is stored; what nobody refreshes is forgotten.
//
// A lease says the incarnation of its holder's part of the room. A lease or release with a lower one than the lease that the
// server has is from the past and ignored.
//
// With a lease goes a copy of the room's header, when it changed since the last, and at most once a second; to a server that
// may not have it (new, or reached by a new link) and once a minute in any case. A server has one copy per room, the last
// that came, and does not look inside. It is there for the node that comes next: what locks a room must be known where it
// is entered, also when all who hold the room are out of reach.
//
// # Claims
//
// A node that does not hold a room asks the three before it lets the first participant in. The claim ends with [Claimed]
// when the first answers that the room is known, when all of them that live have said that it is not, or after 250 ms,
// whichever is first, and at once when there is no other live member.
//
// # What counts
//
// To the holder of a room another node is a holder while at least one server's list has it and it is alive. A list counts
// until the next one from the same server, and for 30 s. Lists of servers that are no longer one of the three count for as
// long: so a change of servers does not take anybody away who is still there.
//
// # Limits
//
// A [Service] has leases for at most 100,000 rooms, 200 holders of each, 20,000 of one peer, and 128 MiB of headers. What goes
// beyond is refused with [ErrFull], which is nobody's fault. Other errors of Handle are the sender's: the driver counts
// them. A lease lasts a minute at most, whatever it asks for.
package directory
