// Package wire is the protocol between nodes: the frames, their layouts, and how they travel. It is an engine package:
// values and their encoding, no sockets, no clocks.
//
// # A link
//
// Two members that have something to tell each other have a link: QUIC with mutual TLS (cascade/link). Its control
// connection has [Lanes] streams in each direction, the lanes. On a lane travel frames, each behind its length:
//
//	length   4 bytes, big-endian: 1 to MaxFrame
//	frame    so many bytes
//
// [AppendFramed] writes this, [Split] cuts it. A length that is out of range ends the link. The frames of a lane arrive in
// the order in which they were sent; between lanes there is no order. [Lane] says which one a frame takes:
//
//	lane 0       LinkState (Hello goes on a stream of its own, before any lane)
//	lane 1 to 6  all frames about a room, chosen by FNV-1a of its name: what concerns one room is in order, and a large
//	             snapshot of one room does not delay most others. Frames about a session or a channel are about the room ""
//	lane 7       Relayed
//
// A frame that cannot be sent in time is not dropped from the middle: the link is closed, and everything that is sent here
// can be said again from the beginning when it is up (digests, leases, subscriptions, link states).
//
// # Frames
//
//	frame = type (varint) body
//	body  = fields, in the order of the struct in this package unless said otherwise
//
//	number    unsigned varint (encoding/binary) in its shortest form
//	bool      a number, 0 or 1
//	bytes     a number, and so many bytes
//	string    bytes that are UTF-8. Names of nodes, endpoint ids and source names have their form, or are empty where said
//	duration  a number: microseconds in a LinkRow, milliseconds in a Lease
//	fixed     bytes without a length: Relayed.Key (32), Relayed.Signature (64)
//	list      a number, and so many items. Items that are structs are records; names are plain strings
//	record    a number, and so many bytes of fields
//	map       a number, and so many pairs of key and value, plain, in ascending order of the keys, none twice
//
// The types are
//
//	 1 Hello    2 LinkState    3 Relayed
//	10 Claim   11 ClaimAnswer 12 Lease    13 Release 14 Holders
//	20 Replica 21 Command     22 Refused  23 Deliver 24 Directed 25 Note 26 Order 27 Dominant
//	28 Recall  29 Recalled
//	30 Subscribe 31 Update    32 Unsubscribe 33 Subscribed
//	40 Prepare 41 Prepared    42 Answered 43 PathState 44 Take 45 Taken 46 Drop
//	50 Seek    51 Sought      52 Keep     53 Wipe    54 Amend 55 Kept
//	60 ChannelOpen 61 ChannelOpened 62 ChannelText 63 ChannelClosed
//
// Five do not follow the order of their struct plainly: Hello has Build last, a LinkRow has Up before Loss, a Lease has
// Header only when HasHeader is true, Replica has a type number before the fields of its message (1 Digest, 2 Ops, 3
// Snapshot, 4 Commit, 5 State, 6 End), and a step of Ops is a record of a type number (1 Put, 2 Remove, 3 Say) and the
// fields of the one that is set. A Term is its time and its node, a Dot its term and its sequence, a ShardVersion its
// incarnation and its sequence; none of them is a record.
//
// Addresses in a Prepared are strings as netip writes them.
//
// A value has exactly one encoding in each version, so that it can be compared and signed as bytes.
//
// # Versions
//
// Each build speaks the versions [OldestVersion] to [Version]; both nodes of a link say theirs in Hello, and speak the
// newest that both know ([Negotiate]). A build drops a version only when the release before it spoke the next one already,
// so that neighbouring releases always meet. Without a common version there is no link.
//
// What a reader does not know it steps over, where that is safe:
//   - a frame of an unknown type is [ErrUnknown]: it is skipped and counted, and is not held against the sender;
//   - bytes behind the last known field of a frame, or of a record, are skipped.
//
// So a newer node may add types of frames and append fields to frames and records without more ado. The version is for what
// must not be misread: a field is written from the version that brought it, and from then on it must be there. Values that
// only newer versions know (a cause of removal, a type of message) are not written to older ones.
//
//	version 1  everything but
//	version 2  Hello.Build and LinkRow.Loss
//
// Hello comes before there is a common version. It is written in the newest version of its sender and read by the length:
// fields that are missing at its end are empty. It does not change otherwise, ever.
//
// The copies of headers that directory servers keep pass through nodes of any version: [AppendHeader] puts the version of
// its writer before a list of records, each one room.State; [ParseHeader] reads those of newer writers as far as it knows
// their fields.
//
// # Limits
//
// A frame has at most [MaxFrame] bytes, and at most [MaxInner] unless it is a Relayed, so that every frame can be relayed.
// Each field has a limit of its own (limits.go), each number a range. What breaks one is refused whole: [Parse] returns
// an error, and the reader counts it against the peer that sent it. Nothing is allocated that the bytes at hand do not
// justify: a count reserves nothing. A writer is held to the same limits: [Append] leaves out what [Valid] refuses, so that
// a client's stanza can not make its node look like a liar.
//
// The layout says that a frame is well formed, not that it is true. Whoever gets it knows from the link who sent it, and
// checks that the sender may say so: a lease, a shard, an endpoint is its own; a time is within room.Drift; a path names it.
//
// # Order and answers
//
// Hello is the first frame in each direction, and comes once. LinkState comes every two seconds and when something changed
// by a tenth. Claim is answered with one ClaimAnswer of the same ID, Command with Deliver or with one Refused of the same
// ID, Subscribe with one Subscribed of the same Sub, Seek with the parts of one Sought and ChannelOpen with one ChannelOpened of
// the same ID, Amend and the last part of Keep with one Kept of the same token, Recall with as many Recalled as there is to say. Nothing else is answered. An answer that does not come is not waited
// for longer than its asker says; asking again is always allowed.
//
// # One relay
//
// A node that has no link to another sends a frame about a room over a third node: Relayed. The third node checks that
// Origin is the peer that it came from, and passes it on to Target when it has a link there, and drops it otherwise; it
// never passes on what came from another than Origin. Target checks that the key has the name Origin, the signature over
// [Relayed.Signed], that Started is not before the newest it knows of Origin, and that Counter is new: the same frame may
// not be played twice. It then handles the frame as if it came from Origin. Frame is written in Relayed.Version, which
// Origin takes from what Target says of itself in gossip; Hello, LinkState, Take and another Relayed are refused
// inside.
//
// # A participant that moves
//
// A participant is moved by the node that serves it, to a node that it is linked with; nobody can ask for one. Frames of one
// move are about its room, and so in order with all else about it:
//
//	sender (serves)                    receiver
//	Prepare    make a path       ──▶
//	                             ◀──   Prepared   its credentials and candidates
//	Answered   the client's      ──▶
//	                             ◀──   PathState  heard, valid
//	Take       the participant   ──▶
//	                             ◀──   Taken
//	Drop                         ◀─▶   at any time: it is over
//
// Take is believed only of the node that asked for the path, about the endpoint that it asked for, with the epoch behind the
// one that is known. With Prepare in a version that is not spoken yet nobody answers, and the sender looks elsewhere.
//
// Sealed packets of the client travel as datagrams on the media connections, both ways, before and after Take: a flow whose
// Sub is 2^31 and the number of the move. Its encoding is 0 toward the client and 1 from it, its feedback bit is 1 when the
// number was given by who the datagram is for ([Tunnel]). Who they are for opens or sends them; nobody between could.
//
// # Media
//
// Media travels on connections of its own, one dialled by each node that sends, in QUIC datagrams (RTP over QUIC):
//
//	datagram = flow id (RFC 9000, section 16), one RTP or RTCP packet
//	flow id  = (Sub * 8 + encoding) * 2 + feedback
//
// Sub is the number that the receiver of the media gave in Subscribe; encoding counts the encodings of the source, from 0.
// With feedback 0 it holds RTP packets and sender reports, on the connection of the sender of the media; with feedback 1 the
// RTCP feedback of its receiver, on the receiver's connection. [AppendFlow] writes what stands before the packet, [ParseFlow]
// reads it. RTCP goes one hop and ends there.
//
// The origin of a source, the node that its participant sends to, stamps one header extension on its RTP packets (RFC
// 8285, one-byte form, id 14, 6 bytes), and nobody behind the origin reads payloads:
//
//	byte 0 to 2  the upper 24 bits of the 40-bit extended sequence number; the lower 16 are the packet's own
//	byte 3       bit 7: a key frame starts here; bit 6: discardable; bits 5 to 3: spatial id; bits 2 to 0: temporal id
//	byte 4       bit 7: there is an audio level; bits 6 to 0: the level in -dBov
//	byte 5       index of the encoding
//
// The extended number is given once and never changed between nodes: what comes by two ways is recognised by it.
package wire
