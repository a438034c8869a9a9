// Package frame finds where a TURN message ends in a stream (RFC 8656 12.5 and RFC 8489 6.2.2), and what a datagram is.
//
// A stream carries STUN messages, whose length is a multiple of four, and ChannelData, which is padded to one. Anything else, and
// anything longer than [Largest], ends the connection: no client of ours sends it, and whoever does has no claim on memory.
//
// It is an engine: bytes in, a length out.
package frame

import (
	"encoding/binary"
	"errors"
)

const (
	// Largest is the longest message that is taken, in bytes: a full packet of an Ethernet and its header.
	Largest = 1996

	header        = 20
	channelHeader = 4
	cookie        = 0x2112A442
	allocate      = 0x0003
)

// What is wrong with a stream.
var (
	ErrGarbage = errors.New("neither STUN nor ChannelData")
	ErrLarge   = errors.New("a message that is too large")
)

// Length returns how many bytes the message at the beginning of b takes in a stream, or 0 when b is too short to tell. b may
// hold less than the whole message.
func Length(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	switch b[0] >> 6 {
	case 0: // STUN
		if len(b) >= 8 && binary.BigEndian.Uint32(b[4:]) != cookie {
			return 0, ErrGarbage
		}
		if len(b) >= 4 && b[3]&3 != 0 {
			return 0, ErrGarbage
		}
		if len(b) < 8 {
			return 0, nil
		}
		return fit(header + int(binary.BigEndian.Uint16(b[2:])))
	case 1: // ChannelData: 0x4000 to 0x7FFF, as before RFC 8656
		if len(b) < channelHeader {
			return 0, nil
		}
		return fit((channelHeader + int(binary.BigEndian.Uint16(b[2:])) + 3) &^ 3)
	}
	return 0, ErrGarbage
}

func fit(n int) (int, error) {
	if n > Largest {
		return 0, ErrLarge
	}
	return n, nil
}

// IsDatagram reports whether a datagram is one message. ChannelData needs no padding there.
func IsDatagram(b []byte) bool {
	n, err := Length(b)
	if err != nil || n == 0 {
		return false
	}
	if b[0]>>6 == 0 {
		return n == len(b)
	}
	return len(b) >= channelHeader+int(binary.BigEndian.Uint16(b[2:])) && len(b) <= n
}

// IsRequest reports whether a message is a request, which is answered whoever sent it.
func IsRequest(b []byte) bool {
	return len(b) >= 2 && b[0]>>6 == 0 && binary.BigEndian.Uint16(b)&0x0110 == 0
}

// Allocation returns the transaction of a request for an allocation.
func Allocation(b []byte) (id [12]byte, ok bool) {
	if len(b) < header || binary.BigEndian.Uint16(b) != allocate {
		return id, false
	}
	copy(id[:], b[8:header])
	return id, true
}
