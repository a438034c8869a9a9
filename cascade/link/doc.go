// Package link is the driver of the links between nodes: one UDP port with QUIC and heartbeats, on quic-go. What travels is
// said in cascade/wire, heartbeats and what they mean in cascade/link/liveness, certificates in cascade/identity.
//
// # The port
//
// The first byte of a datagram tells what it is: below 0x40 a heartbeat, else QUIC. Both are told apart beneath quic-go, where
// heartbeats cost no queue of its own (its ReadNonQUICPacket holds 32 and drops the rest, and 40 peers at the fast pace that
// come in one batch of reads are more); on a [net.UDPConn] quic-go keeps batched reads, segmentation offload and ECN.
//
// Every first packet of QUIC is answered with a Retry, which keeps nothing: only who can be reached at its address gets as
// far as TLS, 256 at once, 64 of one address. Who has no certificate of the cluster's authority fails there. There is no
// 0-RTT, no resumption, no version negotiation.
//
// # A link
//
// Two nodes have a link while one of them wants it ([Peer].Link, which heartbeats tell the other), and 10 s longer. It is
//
//   - one control connection, ALPN "atoll-control-1", dialled by the node with the lower name;
//   - two media connections, ALPN "atoll-media-1", each dialled by one node, which sends on it. Media has no part in what
//     control waits for: quic-go sends datagrams before streams.
//
// On the control connection the dialler opens a bidirectional stream and sends its Hello, framed as in wire; the other answers
// with its own. Either closes the connection when the names are not those of the certificates, when there is no common
// version, or when the clocks differ by more than a minute. Afterwards only zero bytes follow on this stream: a node sends
// one when a dead link comes alive, so that QUIC does not wait for its own timers, which back off. Then each side opens its
// lanes, unidirectional streams, when it first needs them: one byte, the number of the lane, then framed frames.
//
// Each lane has its own writer and its own reader, so that a full one holds up no other. What waits to be sent has at most
// 8 MiB over all lanes of a link; more closes the link, and a new one begins with what is so then. A frame that can not be
// read is skipped and counted ([Endpoint.Misbehaved]); bytes that are no frames close the link.
//
// A node that starts again is another one: when its heartbeats or its Hello show a new start, the old link ends. A control
// connection replaces another of the same peer when that one is over, or by a Hello that is newer (start, then clock);
// otherwise it is refused. A media connection replaces the one before. A node that is not a member yet may connect: it is
// kept waiting for 10 s, 64 in all.
//
// Dialling begins at once and again after 100 ms to 2 s, twice as long each time and with jitter, at the address where
// heartbeats come from and then at the others in turn; when the peer comes alive it begins anew. Four peers are dialled at
// once, and four more of those whose heartbeats are not heard.
//
// Connections end 15 s after the last packet; the dialler of each asks for one every 5 s. They also end with an application
// error code and a reason for the log:
//
//	0 the node stops            4 names, versions or clocks do not fit
//	1 nobody wants the link     5 bytes that are no frames
//	2 another took its place    6 too much waits to be sent
//	3 not a member              7 too many frames that are refused
//
// # Media
//
// A datagram is one packet (wire). A media connection starts with packets of 1350 bytes, so that RTP of 1250 bytes passes at
// once; where that fails the next one starts with 1280 and finds the size. What waits is bounded by 256 KiB and 40 ms:
// beyond, the last class that is waiting is dropped whole and refused for 200 ms, and so on up to [Speaker]; of [Audio] the
// oldest is dropped when there is no room or it waited for 150 ms. Audio goes first, all else in its order. quic-go gets about 10 KB ahead, since what is inside can not
// be taken back. When a link comes alive that was dead for a second, a new media connection takes over: the old one's
// congestion window would take long to grow again.
//
// # Who calls
//
// [Handler] is called by goroutines of the link, one at a time for each lane, for media, and for heartbeats. For one peer
// LinkUp comes first, LinkDown last, frames and datagrams only in between. What is called there may call the [Endpoint], but
// for Close.
package link
