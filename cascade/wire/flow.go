package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxEncodings is how many encodings of a source have flows.
const MaxEncodings = 8

// Flow says what the packet in a datagram is.
type Flow struct {
	Sub      uint32 // of the Subscribe
	Encoding int    // 0 to MaxEncodings-1
	Feedback bool   // RTCP from the receiver of the media, not media or sender reports
}

const maxFlow = 1<<36 - 1

// AppendFlow appends what stands before the packet: the flow id (RFC 9000, section 16). The encoding must be in range.
func AppendFlow(dst []byte, f Flow) []byte {
	id := (uint64(f.Sub)*MaxEncodings + uint64(f.Encoding)%MaxEncodings) * 2
	if f.Feedback {
		id++
	}
	switch {
	case id < 1<<6:
		return append(dst, byte(id))
	case id < 1<<14:
		return binary.BigEndian.AppendUint16(dst, 1<<14|uint16(id))
	case id < 1<<30:
		return binary.BigEndian.AppendUint32(dst, 2<<30|uint32(id))
	}
	return binary.BigEndian.AppendUint64(dst, 3<<62|id)
}

// ParseFlow reads a datagram: the flow, and the packet, which is a part of b.
func ParseFlow(b []byte) (f Flow, packet []byte, err error) {
	if len(b) == 0 {
		return Flow{}, nil, errors.New("parse datagram: empty")
	}
	size := 1 << (b[0] >> 6)
	if len(b) <= size {
		return Flow{}, nil, errors.New("parse datagram: no packet")
	}
	id := uint64(b[0] & 0x3f)
	for _, x := range b[1:size] {
		id = id<<8 | uint64(x)
	}
	if id > maxFlow {
		return Flow{}, nil, fmt.Errorf("parse datagram: flow %d, at most %d", id, uint64(maxFlow))
	}
	return Flow{
		Sub:      uint32(id / 2 / MaxEncodings),
		Encoding: int(id / 2 % MaxEncodings),
		Feedback: id%2 == 1,
	}, b[size:], nil
}
