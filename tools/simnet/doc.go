// Package simnet is a network in memory. Inside a testing/synctest bubble its time is virtual: a day of a cluster passes
// in the time that its computing takes, and durations come out exact.
//
//	network := simnet.New(seed)
//	defer network.Close()
//	a, b := network.Host("10.0.0.1"), network.Host("10.0.0.2")
//	network.Connect(a, b, simnet.Link{Delay: 40 * time.Millisecond, Loss: 0.02})
//	conn, err := a.ListenPacket("udp", ":10000")
//
// # What there is
//
// Hosts have addresses and sockets: packet sockets that behave like UDP and streams that behave like TCP. A [NAT] has a public
// address and hosts of its own behind it. What stands in the same address space, hosts and NATs, is a [Site]; between
// each two sites there are two directions, each with its own [Link], switch and [Stats]. A host behind a NAT reaches the world
// through the directions of the NAT, without delay on the way to it. Directions without a link of their own use the
// default of the network, which is perfect; a site reaches itself at once.
//
// # A direction
//
// A packet is dropped when the direction is cut, when it is larger than the MTU, when it is drawn to be lost, or when the queue
// in front of the rate is full. Otherwise it leaves the queue at its turn, and arrives delay plus jitter later, never before the
// packet that was sent before it unless the link reorders. Sizes are those of the payload. A change of the link, and a cut,
// holds for packets sent after it: what is under way arrives.
//
// # Streams
//
// A stream is the same packets, of at most 1400 bytes, in order and complete: a lost one is sent again after
// max(200 ms, two round trips), doubled each time; after 15 times the connection fails. Connecting takes one round trip.
// A writer waits when 256 KiB are not read at the other end, and its segments wait in a full queue instead of being
// dropped. There is no congestion control.
//
// # Chance
//
// Every direction draws from its own generator, made from the seed of the network and the addresses of the two sites, twice
// per packet. What happens in a direction depends on the order of the packets in it alone; a test that sends from one goroutine is
// exactly reproducible. Packets that arrive at the same instant arrive in the order they were sent.
//
// # Ends
//
// There are no goroutines: one timer carries the network. [Network.Close] closes every socket and drops what is under
// way, so that a bubble can end. [Host.Close] is a machine that loses its power: its sockets are closed and nobody is told.
package simnet
