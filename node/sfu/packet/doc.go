// Package packet finds and patches the parts of an RTP packet that a forwarder needs: the fixed header, four header
// extensions and the payload descriptors of the video codecs. It also walks and writes the few RTCP packets that a
// forwarder speaks. It never allocates.
//
// Every patch keeps the length of the packet: a forwarder copies the packet once into the buffer it is sent from and
// writes the new numbers over the old ones. Everything else, and above all the payload, stays byte-identical, so that
// end-to-end encrypted media passes.
//
// [Parse] reads RFC 3550 5.1 headers with the one-byte and two-byte header extensions of RFC 8285. Padding is bounded
// by the packet and not counted as payload. Offsets in [Header], [Descriptor] and [Dependency] count from the first byte of
// the packet; 0 means absent.
//
// What is read of a packet of video is one [Descriptor], whatever the codec:
//
//	ParseVP8   RFC 7741 4.2: picture id, TL0PICIDX, frame start; of the payload (4.3) as much as tells a key frame and its
//	           size: stock clients that encrypt end to end leave these first ten bytes in clear
//	ParseVP9   RFC 9628 4.2: the same numbers; a key frame and its size by the descriptor alone
//	ParseH264  RFC 6184 5.6 to 5.8: nothing to patch; a key frame by the types of NAL units, its size by the parameter set
//	ParseAV1   the aggregation header: nothing to patch
//
// AV1 has its numbers in a header extension, the dependency descriptor, which [Header.Dependency] reads: the frame number,
// which is always at the same place, and of the template structure, which begins a key frame, the size.
//
// Between nodes a packet carries one extension more, the [Mark], first in its block and 8 bytes long with its padding:
//
//	one-byte form   0xe5, the 6 bytes, 0
//	two-byte form   14, 6, the 6 bytes
//
// [AppendMarked] writes the packet anew with it, in the form that the packet has, the one-byte form when it has none.
// A mark that a client forged never stands first behind that.
//
// RTCP (RFC 3550 6, RFC 4585, RFC 5104, RFC 4588 for retransmissions) is read with [RTCP], an iterator over a compound,
// and written by functions that append to a buffer.
//
// Every function takes bytes from the network and returns an error for what it can't read. None panics.
package packet
