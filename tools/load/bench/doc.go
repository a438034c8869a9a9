// Package bench measures a node beside other servers, in one run and on the same load, and says whether it is cheap enough.
//
// # Servers
//
// Every server runs as a process of its own: the node (the real binary), plain pion without interceptors and with its default
// ones (package plain), and Janus as Debian ships it (package janus). They all stand while a scenario is measured; the load goes
// to one after the other, in short windows whose order turns from round to round. So whatever else the machine does meets all of
// them alike, and ratios of one run mean something where absolute figures do not.
//
// # Load
//
// Clients negotiate ICE, DTLS and SRTP as participants of a node do and have a socket of their own each. Once all have joined, one
// goroutine sends for all publishers and one reads for all receivers (package socket), so that the generator costs a fraction of
// any server. Receivers open what they get, send receiver reports once a second, and transport-wide feedback ten times a
// second to a server that asked for it by numbering its packets. They give the kernel no chance to hand over several packets as
// one (no UDP GRO, unless asked for): the kernel cuts segmented datagrams up on the server's account, as it does where the network
// card cannot. Nor are they woken by what comes, unless asked for.
//
// # Figures
//
// CPU is user and system time of the server's process in a window by the packets that were sent in it and delivered: what the
// server spends on receiving is in it, and so is on loopback what the kernel spends on the receiving sockets. Latency is from the time of sending,
// which is in the payload, to the time at which the kernel took the packet in at the receiver's socket.
//
// Of a cluster it is told besides what the first node, where who sends is, spends per packet that is sent to it, without what it spent on
// nothing before anybody came. The packets are few: each wakes the reader, the link's pump and two goroutines of QUIC, and these
// wake-ups are most of the figure, which falls as the packets become more.
//
// Round trips of a join are those that the client waits for until its first packet of media: at last one more joins to whom everything
// comes 150 ms later, and what it takes longer than the others is divided by that. They begin with TCP, and there is no TLS.
//
// A window does not count in which the generator starved: it came late with more than a fiftieth of its plan, or
// less than 99 % arrived, or half took more than 20 ms. It is measured again, at most as often as windows were asked for.
package bench
