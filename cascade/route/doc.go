// Package route decides which way media takes between nodes. It is an engine: no sockets, no clocks; one goroutine uses a
// value at a time.
//
// # Links
//
// A node has one [Table]. It holds the node's own links as they are measured ([Table.Set]) and what others say of theirs
// ([Table.Learn], frames wire.LinkState). A link is up when frames can be sent over it and its heartbeats come: whoever
// calls Set waits for both.
//
// A node tells its links to all that it has an up link to: every 2 s, and at once when one went up or down or its round
// trip changed by more than 10 % (and 1 ms), though never sooner than 100 ms after the time before. Sequence numbers are at
// least the clock in milliseconds, so that a node goes on above where it was before a restart. What a node said is forgotten when
// it has not said it again for 10 s, and when the own link to it is down for 5 s; a link that comes up begins anew.
//
// # The way to a node
//
// A way is direct or goes over one relay, never over two: one captures 96 % of what more could save. It is direct whenever
// the own link is up. Otherwise it goes over the allowed relay (one that holds the room) of the least cost:
//
//	half the round trip of each of the two links
//	+ 1 ms for each link
//	+ loss of each link x twice its round trip
//
// Costs are noisy. Relays of one target stand in an order that is kept: one goes before another only when it is better by
// more than 5 ms and more than 5 %. The order is the same for all rooms; each takes the first relay that it is allowed.
//
// # Subscriptions
//
// A source is pulled by who wants it, over an explicit path: its origin first, the subscriber last, at most one relay
// between. A relay serves only sources whose origin it has an up link to, and ends what it serves when it comes to pull a
// source by a relay itself. So no path has more than three nodes, and none has one twice.
//
// A room at a node has one [Pulls], the asking side, and one [Serving], the side that is asked:
//
//	subscriber                        upstream (origin or relay)
//	Subscribe{Sub, Source, Path} ──▶
//	                             ◀── Subscribed{Sub, Code}       0: media follows under Sub
//	Update{Sub, Height}          ──▶                             more at once, less after 2 s
//	                             ◀── Subscribed{Sub, Code}       not 0, at any time: it is over
//	Unsubscribe{Sub}             ──▶                             5 s after nobody wants it; at once when the source ends
//
// Sub is chosen by the subscriber, once for each subscription of the whole node: connections are shared by rooms, and media
// says only Sub. Media may come before the answer. A refusal, and silence for 2 s, is followed by another attempt after
// 500 ms, doubling to 5 s, or at once when the way has changed. Subscriptions end with the control connection that they were made over.
//
// A source has one upstream. When the way changes, the new upstream is asked first, and the old one sends on until the first
// packet of the new one has come, or for 2 s (a muted source sends none). While the new one refuses, the old one stays. When
// there is no way at all, the subscription stays where it is: the link may have missed a few heartbeats only, and
// whoever takes it away says PeerGone.
//
// Both sides of a make-before-break can be the same node, when a source has moved to another origin behind a relay. A peer that has two
// subscriptions for one source gets its packets once, under the newer.
package route
