package packet

import "encoding/binary"

// MarkID is the id of the header extension that carries a [Mark]. It is used between nodes only; no client is offered it.
const MarkID = 14

// Mark is what the node of a packet's sender notes on the packet, once, for the nodes behind it: the six bytes of the
// extension, first byte highest, and a bit that tells a mark from none. The zero value is no mark.
//
//	byte 0-2  the sequence number's cycle: the upper 24 bits of an extended sequence number of 40
//	byte 3    bit 7 the first packet of a key frame, bit 6 discardable, bits 5-3 spatial layer, bits 2-0 temporal layer
//	byte 4    bit 7 there is an audio level, bits 6-0 the level as in RFC 6464: 0 loud, 127 silent
//	byte 5    encoding of the source, 0 the lowest
type Mark uint64

const (
	marked      Mark = 1 << 48
	keyframe    Mark = 1 << 23
	discardable Mark = 1 << 22
	hasLevel    Mark = 1 << 15

	markBytes = 6
	markRoom  = 8 // what a mark takes in a block: its element, and padding to whole words
)

// NewMark returns the mark of a packet of an encoding.
func NewMark(encoding uint8) Mark { return marked | Mark(encoding) }

// Present reports whether there is a mark at all.
func (m Mark) Present() bool { return m&marked != 0 }

// Cycle returns the cycle of the sequence number, 24 bits.
func (m Mark) Cycle() uint32 { return uint32(m>>24) & 0xffffff }

// WithCycle returns m with the cycle c, of which the lower 24 bits count.
func (m Mark) WithCycle(c uint32) Mark { return m&^(0xffffff<<24) | Mark(c&0xffffff)<<24 }

// Keyframe reports whether the packet is the first of a key frame.
func (m Mark) Keyframe() bool { return m&keyframe != 0 }

// Discardable reports whether nothing refers to the packet's frame.
func (m Mark) Discardable() bool { return m&discardable != 0 }

// WithPicture returns m with what d says of the packet. start says that a key frame begins.
func (m Mark) WithPicture(start bool, d *Descriptor) Mark {
	if start {
		m |= keyframe
	}
	if d.Discardable {
		m |= discardable
	}
	return m | Mark(d.SID&7)<<19 | Mark(d.TID&7)<<16
}

// Spatial returns the spatial layer.
func (m Mark) Spatial() uint8 { return uint8(m>>19) & 7 }

// Temporal returns the temporal layer.
func (m Mark) Temporal() uint8 { return uint8(m>>16) & 7 }

// WithLevel returns m with the audio level v, 0 (silent) to 127 (loud).
func (m Mark) WithLevel(v uint8) Mark { return m | hasLevel | Mark(127-min(v, 127))<<8 }

// Level returns the audio level as 0 (silent) to 127 (loud), and whether there is one.
func (m Mark) Level() (uint8, bool) { return 127 - uint8(m>>8)&0x7f, m&hasLevel != 0 }

// Encoding returns the encoding of the source.
func (m Mark) Encoding() uint8 { return uint8(m) }

// Extended returns the extended sequence number, 40 bits, of the packet with the sequence number seq.
func (m Mark) Extended(seq uint16) uint64 { return uint64(m.Cycle())<<16 | uint64(seq) }

// ReadMark returns the mark of the RTP packet b. Whoever marks a packet puts the mark first into the block of extensions;
// one that stands elsewhere is not ours. A packet that can't be read has none.
func ReadMark(b []byte) Mark {
	at, two := findMark(b)
	if at == 0 {
		return 0
	}
	at++
	if two {
		at++
	}
	return marked | Mark(binary.BigEndian.Uint32(b[at:]))<<16 | Mark(binary.BigEndian.Uint16(b[at+4:]))
}

// DropMark makes the mark of the RTP packet b, if it has one, into padding of its block of extensions (RFC 8285 4.1.2).
func DropMark(b []byte) {
	if at, _ := findMark(b); at != 0 {
		clear(b[at : at+markRoom])
	}
}

// findMark returns the offset of the mark's element, 0 when there is none, and whether it is in the two-byte form.
func findMark(b []byte) (at int, two bool) {
	if len(b) < fixed || b[0]&0x10 == 0 {
		return 0, false
	}
	at = fixed + 4*int(b[0]&0x0f)
	if len(b) < at+4+markRoom || binary.BigEndian.Uint16(b[at+2:]) < markRoom/4 {
		return 0, false
	}
	profile := binary.BigEndian.Uint16(b[at:])
	at += 4
	switch {
	case profile == oneByte && b[at] == MarkID<<4|markBytes-1 && b[at+markRoom-1] == 0:
		return at, false
	case profile&^0xf == twoByte && b[at] == MarkID && b[at+1] == markBytes:
		return at, true
	}
	return 0, false
}

// AppendMarked appends the RTP packet b, which [Parse] takes, with the mark m as its first extension. All other extensions
// stay, but those of a block in neither form of RFC 8285, which nobody here could read.
func AppendMarked(dst, b []byte, m Mark) []byte {
	at := fixed + 4*int(b[0]&0x0f)
	profile, words := uint16(oneByte), uint16(0)
	rest := b[at:]
	if b[0]&0x10 != 0 {
		p, n := binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:])
		rest = rest[4:]
		if p == oneByte || p&^0xf == twoByte {
			profile, words = p, n
		} else {
			rest = rest[4*int(n):]
		}
	}
	start := len(dst)
	dst = append(dst, b[:at]...)
	dst[start] |= 0x10
	dst = binary.BigEndian.AppendUint16(dst, profile)
	dst = binary.BigEndian.AppendUint16(dst, words+markRoom/4)
	if profile == oneByte {
		dst = append(dst, MarkID<<4|markBytes-1)
	} else {
		dst = append(dst, MarkID, markBytes)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(m>>16))
	dst = binary.BigEndian.AppendUint16(dst, uint16(m))
	if profile == oneByte {
		dst = append(dst, 0)
	}
	return append(dst, rest...)
}
