// Package stream is the server's end of client streams: XMPP over WebSocket (RFC 7395) with anonymous log-in, resource
// binding and stream management (XEP-0198) whose sessions outlive their sockets.
//
// # Parts
//
// Engines, without sockets, goroutines and clocks: engine is one stream from <open/> to <close/>, ledger the
// stream management of one session, bucket a rate, queue what waits for a socket. Drivers: [Server] accepts sockets, a
// socket owns one reader goroutine, and a writer while there is something to write, a [Session] is what stays when the socket is lost.
//
// # Stream
//
// One text message is one element. <open/> is answered by <open/> and the features; SASL offers ANONYMOUS only; after it the
// client opens again and binds or resumes. A client that wants no session IQ is not asked for one, a client that sends it is
// answered. The JID is <uuid>@<domain>/<resource>, a resource that the client asks for is not used; the first eight digits
// of the UUID are the endpoint id. Stream errors are sent, then <close/>, then the socket is closed. A <close/> of the client is
// answered by <close/> and ends its session for good.
//
// Stanzas go to the [Handler] with `from` stamped. A stanza with the `from` of somebody else is the stream error
// invalid-from. IQs without id or with an unknown type are answered here (bad-request), all others are the handler's.
//
// # Stream management
//
// Counted are iq, message and presence, in both directions, from <enable/> on. Counters never go down and live as long as
// the session. The server asks for an acknowledgement about every 16 stanzas or 32 KiB. A socket that is lost without <close/>
// leaves the session suspended for Limits.Resume; what is sent meanwhile waits. The client comes back with the token in
// the URL (?previd=) and in <resume/>: anonymous log-in with a valid previd takes the old identity over, and only the identity that
// owns a token can resume it. What was not acknowledged is sent again. A second resume wins over the socket of the first, which
// is closed with conflict.
//
// A token is <node>-<16 characters><32 characters> of [A-Za-z0-9_-]: the node that made it, an address, and 192 random
// bits that are compared in constant time. It stays valid for the life of the session.
//
// # Several servers
//
// A token that this server does not know, in the URL and in <resume/> alike, is looked for elsewhere ([Elsewhere]): the socket waits,
// at most Limits.Fetch, and nothing that the client sends is read meanwhile. Then the session is here or the answer is
// item-not-found, which is also what a forged token gets. A token stays the same wherever its session is.
//
// A server that goes on after the death of another knows the counters of some moment before ([Session.Snapshot], [Server.Revive]).
// What the client has had since is more than what this server has to send, and is taken. What the client sent since it sends
// again: as long as somebody keeps snapshots, the client's stanzas are acknowledged only as far as the last one goes
// ([Session.Guard]), because clients break when a counter goes down.
//
// # Order
//
// Calls of the handler for one session come one at a time and in this order:
//
//	Bound or (after Import) nothing, { Stanza }, { Suspended, Resumed, { Stanza } }, [ Suspended ], Closed
//
// A resume waits for the Stanza call that the old socket still runs. Nothing else waits for the handler: Send, Close, Suspend and
// Export may be called from anywhere, also from inside a call.
//
// # Limits
//
// See [Limits]. A client that sends faster than its rate is not read until it is within it again. Whoever does not read, so that
// the queue of what it is to get or to acknowledge grows over its bounds, loses its session with resource-constraint.
package stream
