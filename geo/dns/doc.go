// Package dns serves the cluster's own DNS zone: what the zone says is decided by geo/dns/zone, whom a client is near by
// geo/place. It is the driver of github.com/miekg/dns, which reads and writes messages; the sockets are this package's own,
// because every limit on who may keep the node busy is here.
//
// # What operators do once
//
// The zone above delegates the domain to the nodes, by their names, with their addresses as glue:
//
//	meet.example.org.             NS  ubiig7mfa4.meet.example.org.
//	ubiig7mfa4.meet.example.org.  A   192.0.2.1
//
// Two or three that last are enough: who asks one of them learns of all others. A node keeps its name as long as its data folder.
//
// # What is answered
//
// Questions of class IN for the domain and what is below it, authoritatively. Everything else is REFUSED: nothing is looked up
// elsewhere, RA is never set. Opcodes other than QUERY get NOTIMP, EDNS versions other than 0 BADVERS (RFC 6891), what is no
// question FORMERR, and what is an answer itself nothing at all. Names keep the case in which they were asked.
//
// A client subnet (RFC 7871) counts as the client's address when it has a prefix; the answer repeats it with the scope that the
// answer holds for. One with bits behind its prefix, or with a scope, is FORMERR. Without one the client is who asks. The name of
// the node that answers is told who asks for it (NSID, RFC 5001).
//
// Answers by UDP have at most 1232 bytes, and at most what the question allows; longer ones are cut, with TC. A TCP connection
// takes questions one after another (RFC 7766).
//
// # What a client may cost
//
// By UDP a network (/24, /56) gets 100 answers a second and 200 at once. Beyond that every other question gets an empty answer with TC,
// so that an honest resolver comes by TCP, which proves its address, and the others get nothing: forged questions yield less than
// they cost. Networks are kept in a table of 16384; while it is full of busy ones, newcomers share one allowance. UDP is
// read by as many goroutines as there are processors, at most four, and answered in place: what they cannot take is dropped by the kernel.
//
// There are at most 256 TCP connections, 16 of one network; another one takes the place of the oldest, of its network or of all. A
// connection ends after 10 s without a whole question, and after 100 questions.
package dns
