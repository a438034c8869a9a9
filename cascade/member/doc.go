// Package member knows who is in the cluster: gossip by hashicorp/memberlist over a transport of our own. It says who is
// there, where, and what each node says of itself; rooms and media never go this way, and whoever must know quickly that a
// node is gone asks the links.
//
// # The wire
//
// Packets (UDP) and streams (TCP) on one port are memberlist's, encrypted with AES-256-GCM under a key that is derived from
// the cluster's secret ("gossip", see identity.GossipKey). Each packet and each stream begins with memberlist's label header
//
//	244, length, label
//
// where the label is 16 hex digits derived from the secret ("gossip label"). The transport compares it before memberlist
// hears of anything: what has another label is dropped. A stream with another label is answered with the receiver's own, so
// that both sides can say that the other speaks with another secret. Nothing is kept of either.
//
// A push/pull carries some bytes of ours beside memberlist's: version (1), the sender's clock (8, unix milliseconds),
// its name (10) and its domain (the rest). A clock that differs by more than a minute and another domain are complained of.
//
// # Questions
//
// A stream with a third label ("gossip question label") holds one question and its answer, each
//
//	version (1), nonce (12), length (2), sealed
//
// sealed is JSON ([Question], [Answer]) under AES-256-GCM with a key of the secret's ("gossip question"). The additional data is
// "atoll question", and "atoll answer" with the nonce of the question: an answer is to one question. A node asks before it is a
// member, to learn the domain and by which address others see it ([Stranger.Meet]), and later what others can reach of it
// (Task). That a question is played again costs the one who answers a connection and tells the one who plays it nothing; eight are
// answered at once.
//
// # What a node says of itself
//
// The name of a node is that of its key. Its metadata is at most 512 bytes, integers big-endian:
//
//	1   version, 1
//	32  public key, Ed25519
//	    body, see below; later versions append to it, and what follows the known fields is skipped
//	64  signature over "atoll member metadata" and everything before
//
//	body: gossip address; boot (8), issued (8), started (8); flags (1: drain, 2: leaving, 4: located, 8: DNS); load (1);
//	      latitude (2), longitude (2); oldest (2), newest (2); region; build; count (1) and addresses of links;
//	      count (1) and addresses of media, port of TURN (2), port of TURN over TLS (2); older nodes end before this line;
//	      URL; older nodes end before it
//	address: length of the IP (1, 4 or 16), IP, port (2)
//	text: length (1), at most 48 bytes of printable UTF-8, 90 for the URL
//
// All times are unix milliseconds. A message that somebody is alive is refused unless the name in it is that of the key, the
// signature is right, the address in it is the one that was signed, and boot and issued are not more than a minute ahead
// of the own clock. So nobody who has the secret can speak for a node, or move it.
//
// # What is newer
//
// Metadata is ordered by (boot, issued): boot is when the node started, issued is when it signed. The newest wins whatever
// memberlist's incarnation number says, which orders liveness alone: a node that starts anew begins with a low one.
// Memberlist refuses a known name with a new address; since the address is signed, newer metadata moves the entry (see
// table.admit), so that a node whose address changed is itself again at once. A node that hears newer
// metadata of its own at its own address (its clock went back between two starts) raises boot above it. At another address
// somebody runs with a copy of its key: it says so, and the one that started last is the member.
//
// Two names with one address are an old and a new one after a start with an empty data folder. Both are asked by name;
// the one that answers is the member and the other counts as dead, long before memberlist finds out. Until one has
// answered it is the one that has been there for longer. Nobody else is at a node's own address.
//
// # Coming together
//
// For ever, every 5 s (sooner at first, and when somebody came), a node exchanges its state with addresses that belong to no
// living member: of its seeds, resolved anew each time, and of up to 64 members it remembers (file "members"), the two
// that were seen last and two at random. So partitions of any length heal. What fails is said once a minute and is never an
// end. A seed is an address, or a name with or without a port. A name without one is looked up as SRV (_atoll._udp.<name>)
// and then, when there is none, as an address with port 7946.
//
// # Leaving and dying
//
// A node that leaves signs that it does, and sends that metadata to every member itself, twice, as a user message: whoever has
// it knows that the node left and did not die. A crash is noticed by
// memberlist's probes after about 9 s. Those who left or died stay listed for ten minutes.
//
// # Who calls whom
//
// Memberlist's callbacks only change a table under a short lock. One goroutine compares it with what was told last and
// calls [Config.Changed], which may block without harm to gossip; it must not call Close. Everything ends with Close, except
// that a probe of memberlist's which was under way may take until its end, at most 8 s, and touches nothing.
package member
