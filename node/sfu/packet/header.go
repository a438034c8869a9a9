package packet

import (
	"encoding/binary"
	"errors"
)

// What can be wrong with a packet.
var (
	ErrShort   = errors.New("rtp packet: too short")
	ErrVersion = errors.New("rtp packet: version is not 2")
	ErrPadding = errors.New("rtp packet: more padding than payload")
)

const (
	fixed = 12 // length of the fixed header

	// Profiles of a block of header extensions (RFC 8285). Of the second, the lower four bits may be anything.
	oneByte = 0xbede
	twoByte = 0x1000
)

// Extensions are the ids of the header extensions to look for. 0 means not negotiated.
type Extensions struct {
	AudioLevel   uint8 // RFC 6464
	SendTime     uint8 // abs-send-time
	TransportSeq uint8 // transport-wide sequence number, draft-holmer-rmcat-transport-wide-cc-extensions-01
	Dependency   uint8 // dependency descriptor, RTP Payload Format For AV1, appendix A
}

// Header is what [Parse] found.
type Header struct {
	SSRC, TS    uint32
	Seq         uint16
	PayloadType uint8
	Marker      bool

	Payload int // offset of the first byte of payload
	End     int // offset after the last byte of payload, before the padding

	AudioLevel   int // offset of its 1 byte
	SendTime     int // offset of its 3 bytes
	TransportSeq int // offset of its 2 bytes

	dependency, dependencyEnd int // offsets of the dependency descriptor
	dependencyHead            int // and of the id before it
}

// Empty reports whether the packet has no payload: padding only, as congestion control sends it to probe.
func (h *Header) Empty() bool { return h.Payload == h.End }

// Parse reads the header of the RTP packet b into h.
func Parse(b []byte, x Extensions, h *Header) error {
	*h = Header{}
	if len(b) < fixed {
		return ErrShort
	}
	if b[0]>>6 != 2 {
		return ErrVersion
	}
	h.Marker = b[1]&0x80 != 0
	h.PayloadType = b[1] & 0x7f
	h.Seq = binary.BigEndian.Uint16(b[2:])
	h.TS = binary.BigEndian.Uint32(b[4:])
	h.SSRC = binary.BigEndian.Uint32(b[8:])
	at := fixed + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return ErrShort
		}
		profile := binary.BigEndian.Uint16(b[at:])
		length := 4 * int(binary.BigEndian.Uint16(b[at+2:]))
		at += 4
		if len(b) < at+length {
			return ErrShort
		}
		switch {
		case profile == oneByte:
			h.oneByte(b, at, at+length, x)
		case profile&^0xf == twoByte:
			h.twoByte(b, at, at+length, x)
		}
		at += length
	}
	if len(b) < at {
		return ErrShort
	}
	h.Payload, h.End = at, len(b)
	if b[0]&0x20 != 0 {
		if len(b) == at {
			return ErrPadding
		}
		n := int(b[len(b)-1])
		if n == 0 || n > len(b)-at {
			return ErrPadding
		}
		h.End -= n
	}
	return nil
}

// oneByte walks RFC 8285 4.2. An element that leaves the block ends the walk: it is not worth losing the packet.
func (h *Header) oneByte(b []byte, at, end int, x Extensions) {
	for at < end {
		id, n := b[at]>>4, int(b[at]&0x0f)+1
		if b[at] == 0 {
			at++
			continue
		}
		if id == 15 || at+1+n > end {
			return
		}
		h.element(id, at, at+1, n, x)
		at += 1 + n
	}
}

// twoByte walks RFC 8285 4.3.
func (h *Header) twoByte(b []byte, at, end int, x Extensions) {
	for at < end {
		id := b[at]
		if id == 0 {
			at++
			continue
		}
		if at+2 > end || at+2+int(b[at+1]) > end {
			return
		}
		n := int(b[at+1])
		h.element(id, at, at+2, n, x)
		at += 2 + n
	}
}

// element takes note of an element of n bytes at offset at, whose own head begins at offset head.
func (h *Header) element(id uint8, head, at, n int, x Extensions) {
	switch {
	case id == 0: // an id of 0 with a length is ill-formed
	case id == x.AudioLevel && n >= 1:
		h.AudioLevel = at
	case id == x.SendTime && n == 3:
		h.SendTime = at
	case id == x.TransportSeq && n >= 2:
		h.TransportSeq = at
	case id == x.Dependency && n >= shortest:
		h.dependencyHead, h.dependency, h.dependencyEnd = head, at, at+n
	}
}

// Level returns the audio level of the packet b as 0 (silent) to 127 (loud), and whether it has one.
func (h *Header) Level(b []byte) (uint8, bool) {
	if h.AudioLevel == 0 {
		return 0, false
	}
	return 127 - b[h.AudioLevel]&0x7f, true
}

// TransportWide returns the transport-wide sequence number of the packet b, and whether it has one.
func (h *Header) TransportWide(b []byte) (uint16, bool) {
	if h.TransportSeq == 0 {
		return 0, false
	}
	return binary.BigEndian.Uint16(b[h.TransportSeq:]), true
}

// Patch writes sequence number, timestamp and SSRC into the packet b.
func Patch(b []byte, seq uint16, ts, ssrc uint32) {
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}

// PatchTransportSeq writes n into the transport-wide sequence number at offset at.
func PatchTransportSeq(b []byte, at int, n uint16) { binary.BigEndian.PutUint16(b[at:], n) }

// PatchSendTime writes the 24 bits of t into the abs-send-time at offset at.
func PatchSendTime(b []byte, at int, t uint32) {
	b[at], b[at+1], b[at+2] = byte(t>>16), byte(t>>8), byte(t)
}
