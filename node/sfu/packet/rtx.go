package packet

import "encoding/binary"

// OSN is the length of the original sequence number that stands before the payload of a retransmission (RFC 4588 4).
const OSN = 2

// Unwrap turns the retransmission b, whose header is h, in place into the packet that it carries: payload type and SSRC
// become pt and ssrc, the sequence number becomes the original one. It returns the original packet, which is a part of
// b, and false when b carries none (a probe of padding alone).
func Unwrap(b []byte, h *Header, pt uint8, ssrc uint32) ([]byte, bool) {
	if h.End-h.Payload < OSN {
		return nil, false
	}
	seq := binary.BigEndian.Uint16(b[h.Payload:])
	copy(b[OSN:], b[:h.Payload])
	b = b[OSN:]
	b[1] = b[1]&0x80 | pt&0x7f
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return b, true
}

// Wrap appends to dst a retransmission of the packet b, whose payload starts at offset payload: payload type pt, osn as
// original sequence number. Sequence number, timestamp and SSRC are still those of b; what stands in the payload of b
// stands [OSN] bytes later.
func Wrap(dst, b []byte, payload int, pt uint8, osn uint16) []byte {
	at := len(dst)
	dst = append(dst, b[:payload]...)
	dst = binary.BigEndian.AppendUint16(dst, osn)
	dst = append(dst, b[payload:]...)
	dst[at+1] = b[1]&0x80 | pt&0x7f
	return dst
}
