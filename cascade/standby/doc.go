// Package standby is how a client's session is found again at any node: who keeps a record of it while its holder lives, what is
// kept and for how long, and whom to ask for it. It is an engine package: time is an argument, values are bytes.
//
// # Where a session is
//
// A resume token begins with the name of the node that made it, and its address (all before the secret) is the same for the life of
// the session, wherever it goes. Its holder pushes a record to one standby: the first by rendezvous hashing of the address over
// the members that are alive and do not drain, without itself ([Choose]). So everybody can compute where to look. A node that a
// session left remembers where it went ([Trail]).
//
// # Records
//
// A [Keeper] holds what others pushed, in memory only. A record comes whole or not at all; a later one of the same holder replaces it.
// The keeper answers with the sum of what it has, and as long as that is what the holder pushed last ([Copy]), the next value comes as
// a change of it. A standby that does not answer, because it is older or has lost the record, is sent all of it.
// It ends when its holder says so, when another node has been given it, when its holder lives and has not said for twice [Repeat] that
// it is still true, or [keep] after it came last: its client has given up by then.
// Every way ends with its bytes overwritten. How much one holder, and all together, may leave here is bounded; what is over
// the bound is refused, and the session then lives and dies with its holder.
//
// # The search
//
// A node that a client comes to asks, one after the other ([Search]): itself; the node that the token names; whoever is pointed to;
// and when the last of these is dead or has nothing, the first two standbys. Nobody is asked twice the same: a standby whose record
// has a living holder points to it, unless the asker says that it has been there. The token goes along, and whoever has something
// compares the secret in constant time before it says more: a wrong one ends the search.
package standby
