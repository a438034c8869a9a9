// Package rewrite makes one continuous RTP stream out of pieces of others.
//
// A receiver sees one SSRC for as long as its slot lives. What stands behind it changes: another simulcast encoding,
// another participant, nothing for a while. [Stream] is the engine of one such outgoing stream: it gives every packet
// its outgoing sequence number, timestamp, picture id and TL0PICIDX (VP8, VP9), and frame number (AV1).
//
// # Segments
//
// One piece of one incoming stream is a segment. Within it all these numbers are what came in plus constant offsets:
// gaps and reordering of the incoming stream stay what they are, because nobody drops packets of a forwarded encoding,
// and what is missing may still come. A segment begins with a packet that the caller allows to start one (the first
// packet of a key frame; any packet of audio). There:
//
//	sequence number = highest sent + 1
//	timestamp       = that of the highest sent + clock rate * time since it was sent, at least 1 ms
//	picture id      = last + 1 (modulo 2^15, or 2^7 for a sender with short ones)
//	TL0PICIDX       = last + 1
//	frame number    = last + 1
//
// A segment whose packets lack some of these takes one number of each, which none of them shows, so that they go on where
// they stood when the codec comes back. A receiver of AV1 refuses key frames whose number is not above the last. The first
// segment of all keeps timestamps and picture ids as they come. Packets that stand before the start of their
// segment belong to frames that nobody can decode and are dropped. Packets of an earlier segment that arrive late keep
// the numbers that were left for them, and are dropped when there are none.
//
// # History
//
// The last 8 segments are remembered. [Stream.Locate] leads from an outgoing sequence number to the incoming stream and
// its sequence number, also for packets that were never sent because they were lost on their way in: a retransmission
// cache per incoming stream serves all receivers. No number is given out twice: a window over the last 1024 remembers
// what was. A stream resumed from [Stream.State] gives out only numbers above those of the state.
//
// A Stream is not safe for concurrent use.
package rewrite
