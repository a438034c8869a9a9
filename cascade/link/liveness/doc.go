// Package liveness decides who can be reached: the heartbeats of members, and what is concluded from them. It is an engine:
// it has no sockets and no clock.
//
// # Heartbeat
//
// Every member sends one datagram to every other member once a second, or every 20 ms. Its first byte is below 0x40, which no
// packet of QUIC has, so that it can come to the same port. Numbers are big-endian.
//
//	 0      version, 1
//	 1      flags: 1 I hear you; 2 send me fast; 4 I send fast; 8 I want a link
//	 2..11  name of the sender
//	12..21  name of the receiver
//	22..29  when the sender started, Unix milliseconds
//	30..33  sequence: counts heartbeats to this receiver
//	34..41  when it was sent, microseconds: Unix time when the sender started, and a clock that never steps since
//	42..49  when the last heartbeat that was heard from the receiver was sent, by the receiver's clock; 0: none
//	50..53  microseconds since that one was heard
//	54..57  how many heartbeats were heard from the receiver since it started
//	58..61  the highest sequence among them
//	..      what later versions add
//	last 16 HMAC-SHA-256 of all before it, cut to 16 bytes, with a key from the cluster's secret
//
// A heartbeat has at most [MaxSize] bytes. What has another form, is for somebody else or is not by a member is dropped
// ([Sealer.Open]), and nothing is kept of it. A member could send heartbeats in the name of another: the secret makes them
// true, not the node's key. It gains nothing but a link that is thought to live; a link itself asks for the key.
//
// # What counts
//
// A heartbeat counts when it was sent later than all that counted before, or when it answers a heartbeat of ours that none
// before it answered: the second is for nodes that start again with a clock set back. What is played back counts never.
//
// A node hears a peer after one heartbeat, until there was silence for 3 s. When the peer sends fast and this node wants that,
// it does after three, until there was silence for
//
//	the mean gap and 6 mean deviations, at least 80 ms, at most 250 ms
//
// Media that arrives from the peer ends silence too. A peer is [Alive] when both hear each other. So both ends find at the
// same time that one direction is cut, and a sender of media need not be told. When the caller was late to ask, it is given
// 40 ms to read what came meanwhile, before silence is concluded.
//
// Both send fast when one wants it. Before a node goes back to one a second it says so in ten heartbeats at the fast pace; it
// also does so when nothing was heard for 30 s. A heartbeat that says something new is sent at once.
//
// # Where to
//
// Heartbeats go to the address that the peer's came from, as long as they do; else to all addresses of the peer that are
// known, at most [MaxAddrs].
//
// # Figures
//
// The round trip is the time between a heartbeat and the first that answers it without the time it waited there: smoothed
// by 1/8, and the least of the last 10 s. Loss is that of our heartbeats, from what the peer says it heard: averaged over
// about 64 of them, 256 at the fast pace, leaving out times when the peer was not alive.
package liveness
