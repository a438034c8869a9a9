// Package packet finds and patches the parts of an RTP packet that a forwarder needs: the fixed header, three header
// extensions and the VP8 payload descriptor. It also walks and writes the few RTCP packets that a forwarder speaks. It
// never allocates.
//
// Every patch keeps the length of the packet: a forwarder copies the packet once into the buffer it is sent from and
// writes the new numbers over the old ones. Everything else, and above all the payload, stays byte-identical, so that
// end-to-end encrypted media passes.
//
// [Parse] reads RFC 3550 5.1 headers with the one-byte and two-byte header extensions of RFC 8285. Padding is bounded
// by the packet and not counted as payload. Offsets in [Header] and [VP8] count from the first byte of the packet; 0
// means absent.
//
// [ParseVP8] reads the payload descriptor of RFC 7741 4.2 and as much of the payload header (4.3) as tells a key frame
// and its size. Stock clients that encrypt end to end leave these first ten bytes in clear.
//
// RTCP (RFC 3550 6, RFC 4585, RFC 5104, RFC 4588 for retransmissions) is read with [RTCP], an iterator over a compound,
// and written by functions that append to a buffer.
//
// Every function takes bytes from the network and returns an error for what it can't read. None panics.
package packet
