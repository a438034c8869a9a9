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
// encoding for what receivers read of it (retransmission cache, sender report). None is held while another
// participant's is taken, except the last, which is always the innermost. An [Egress] is called under the lock of its
// own participant and must not call back.
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
// them. All other bytes of a packet but the header and the VP8 descriptor stay as they came.
//
// # Moving
//
// [Participant.Export] stops all sending to the participant and returns where its streams stand; [Room.Import] goes on
// at another node without a gap in the numbers. A stream whose encoding is unknown there waits for a key frame.
//
// Whatever comes from the network is bounded: unknown SSRCs and payload types, malformed packets, duplicates are counted
// ([Counters]) and dropped.
package sfu
