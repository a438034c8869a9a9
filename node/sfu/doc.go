// Package sfu forwards media selectively: it decides who in a room gets which encoding of which source, and rewrites the
// packets on their way. It is made of engines: no sockets, no goroutines, no clocks.
//
// # Two sides
//
// [Room] is the control side. The conference's loop alone calls it, and every call that changes something returns
// effects: what the bridge channels of the participants are to be told. [Participant] is the packet side. The edge's
// goroutines call its RTP, RTCP and Tick at any time, also several at once.
//
// The two meet at each source's forwarding table, an immutable list of receiving slots that the control side publishes
// by atomic swap. Locks are short and per participant: one for what it sends, one for what it receives, and one per
// encoding for what receivers read of it (retransmission cache, sender report). Another node has one for each source that
// it pulls. None is held while another participant's is taken, except the last, which is always the innermost. An
// [Egress], a [RelayEgress] and an [Upstream] are called under the lock of their own participant or node and must not call
// back.
//
// # One encoding per source
//
// Every receiver of a source gets the same encoding of it: the highest that is active and not above the height that the
// most demanding receiver wants, by the heights of the last key frames or else the convention of stock clients. A source
// switches to another encoding at the first packet of a key frame of that encoding, for all at once; a key frame is asked
// for until one comes. A higher encoding up to the wanted height is taken whenever its key frame comes by. When the
// current encoding falls silent while a lower one goes on, the source goes down. A source that nobody wants is told so
// (SenderConstraints 0), a new one only when nobody wanted it for 3 s: receivers need a moment to open their channels.
//
// # Codecs
//
// VP8, VP9, H264 and AV1 are forwarded as their senders send them: encodings on SSRCs of their own (simulcast), or the spatial
// layers of one picture on one SSRC (SVC), which then is one encoding and goes to everybody whole. A key frame begins
//
//	VP8   with the start of a frame whose payload header says so
//	VP9   with the start of the lowest spatial layer of a picture that refers to no other
//	H264  with a sequence parameter set, or with an IDR slice directly behind the end of another frame
//	AV1   with the template structure of a dependency descriptor, or without one with the bit N
//
// None of this is behind what clients who encrypt end to end leave in clear. Beside sequence number and timestamp, picture id
// and TL0PICIDX of VP8 and VP9 and the frame number of AV1 go on over every switch, also when other codecs were in the slot
// meanwhile. Template ids stay as they come: every key frame brings the structure that they are read by.
//
// Browsers put dependency descriptors on every codec once it is agreed on, others on none. On packets of another codec than
// AV1 they are blanked: a decoder that went by them for one source in a slot and by the picture ids of the next would see
// the numbers jump.
//
// A sender may change its codec on the same SSRC: the new one begins with a key frame and as a segment of its own.
//
// # What a receiver sees
//
// Every SSRC that a receiver sees belongs to its leg: random, unique within the leg, never 0, and none of those that the
// receiver itself sends. In rewriting mode they are slots that hold one source after another (node/sfu/allocate);
// [VideoMap] and [AudioMap] say which. In plain mode every source has an SSRC of its own, which is announced, withdrawn
// and never used again. How numbers go on over switches is said in node/sfu/rewrite.
//
// Effects come before media: a slot that got a source forwards nothing until [Room.Open], which the caller calls when it
// has sent the effects of the calls before. [Room.Tick] does it for those that were forgotten, and a call that has nothing
// to tell opens by itself. Video then starts at the next key frame, which Open asks for. Nothing is forwarded to a participant before its first Tick or Connected: that is
// when its transport is up.
//
// # Repair
//
// Toward senders of video: generic NACKs for gaps (node/sfu/reception), receiver reports every second, transport-wide
// feedback (node/sfu/bandwidth), picture loss indications at least 200 ms apart per encoding, sent again after 500 ms
// while somebody waits. Toward receivers: NACKs are answered with retransmissions (RFC 4588) from the encoding's cache,
// each packet at most once in a round trip (20 to 200 ms), at most 256 KB a second and 128 KB at once per receiver.
// Requests for key frames count at most three times in ten seconds per receiver and SSRC and are merged at the sender. A
// sender report per outgoing SSRC and second maps its timestamps to our clock with the offset that all streams of its
// sender share, so that lips stay in sync.
//
// Transport-wide sequence numbers and abs-send-time in outgoing packets are the leg's own, where the packet has room for
// them. All other bytes of a packet stay as they came: nothing but the header and the numbers named above is written to.
//
// # Other nodes
//
// A link is one more receiver, and at the far node one more source. [Relay] is another node that pulls sources from here
// ([Room.Pull]); [Remote] is a participant that another node serves. A node may be both for one source: one relay stands at
// most between origin and leaf, and which one is nobody's business here.
//
// To a relay go the packets of the forwarding table as they are: SSRC, sequence number and timestamp are the sender's all
// the way, and only the leg of a receiver writes others. The origin adds the mark (node/sfu/packet, [packet.Mark]): what
// nobody behind it needs to read payloads for. Its cycle makes the sequence number one of 40 bits that never goes back for an encoding:
// it begins with the clock's seconds, goes on over wraps, jumps by two when the sender's stream begins anew, and jumps
// above that of every other encoding when the source switches to this one. So whoever sees packets of two encodings, in
// whatever order, knows which one the origin chose last. A Remote's packets go on to relays with the mark that they came
// with. Before a packet goes to a participant the mark is blanked.
//
// The origin chooses the encoding, by the greatest height wanted anywhere: a pull counts as a want, and so does that of a
// relay's relay, since the caller makes pulls of what SenderConstraints and [AudioWanted] say of a Remote's sources. A
// Remote follows: it switches with the first packet of a key frame of an encoding that the marks say is the newer one. It
// asks for a key frame when packets of a newer one come for 40 ms without that, or when what it is at falls silent while
// another comes. Packets that come twice, by two ways during a change of route, are taken once, by their 40 bits over the
// last 1024; a jump of more than 3000 is a stream that begins anew, at once. What comes up to 64 packets
// too late to be the first is still taken. Without a mark a packet is taken by what it shows itself.
//
// Repair ends at each hop. A Remote asks the node that it pulls from ([Upstream]): NACKs for gaps as toward senders, and
// picture loss indications, one for everybody until a key frame could have come, that is a round trip and 200 ms. There
// are no receiver reports and no transport-wide feedback between nodes. A Relay answers NACKs with the same packet
// from the cache, each at most once in a round trip, 256 KB a second and at once for a source and 4 MB for
// all; what is missing here too goes out when it comes. It passes on requests for key frames, ten at once and one a second
// for a source, but not those that crossed a key frame on the link. Sound is not cached and not repaired: the carrier does
// that, or nobody. Sender reports go on as they are, without blocks, once a second and encoding.
//
// A link that is too thin drops by [Class], the highest first. Nothing here knows of it: the far node asks again.
//
// # Dominant speaker
//
// Every node guesses from the levels that it hears, those of Remotes included ([Guess]). The guess counts until somebody
// who knows better speaks ([Room.SetDominant]), and again when that is taken back.
//
// # Moving
//
// [Participant.Export] stops all sending to the participant and returns where its streams stand; [Room.Import] goes on
// at another node without a gap in the numbers. A stream whose encoding is unknown there waits for a key frame.
//
// Nobody else notices. At the old node [Room.Depart] makes a Remote of the participant, in place, at the new one Import makes
// a participant of the Remote: the sources stay what they are, with their caches and all who get them, and their numbers of
// 40 bits go on, so that packets are taken once, by whichever way, and what is missing is asked for. [Room.Expect] has the
// new node pull and keep, for some moments sound too, what the participant gets, before it comes: what arrives between its
// last packet there and its first one here goes out when it is here.
//
// Whatever comes from the network is bounded: unknown SSRCs and payload types, malformed packets, duplicates are counted
// ([Counters]) and dropped.
package sfu
