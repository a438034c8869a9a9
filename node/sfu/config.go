package sfu

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// Codec is what a payload type means.
type Codec uint8

// The codecs that are forwarded.
const (
	Opus Codec = iota + 1
	VP8
	VP9
	H264
	AV1
)

func (c Codec) kind() room.Kind {
	if c == Opus {
		return room.Audio
	}
	return room.Video
}

// Format is one payload type that was offered.
type Format struct {
	PayloadType uint8
	Codec       Codec
	RTX         uint8 // payload type of its retransmissions (RFC 4588), 0 when there are none
}

// Config is what a room needs to know. The zero value is the offer of stock clients.
type Config struct {
	// Formats are the payload types offered. nil: Opus 111; VP8 100, VP9 101, H264 107, AV1 41 with retransmissions 96, 97,
	// 99, 42.
	Formats []Format
	// Extensions are the ids of the header extensions offered. All 0: audio level 1, abs-send-time 3, transport-cc 5,
	// dependency descriptor 11.
	Extensions packet.Extensions
	// Rand returns random numbers, for SSRCs and first sequence numbers. nil: crypto/rand, and first sequence numbers in
	// the lower half of their range (RFC 3711 3.3.1: a receiver that loses the packets around an early wrap is lost).
	Rand func() uint32
}

// format is what is known of one payload type.
type format struct {
	codec    Codec
	rtx      uint8 // payload type of its retransmissions
	original uint8 // of a retransmission: payload type that it carries
	isRTX    bool
}

// settings is a Config made ready.
type settings struct {
	formats    [128]format
	extensions packet.Extensions
	rand       func() uint32
	firstSeq   func() uint16
}

func (c *Config) settings() *settings {
	s := &settings{extensions: c.Extensions, rand: c.Rand}
	s.firstSeq = func() uint16 { return uint16(s.rand()) }
	formats := c.Formats
	if formats == nil {
		formats = []Format{{111, Opus, 0}, {100, VP8, 96}, {101, VP9, 97}, {107, H264, 99}, {41, AV1, 42}}
	}
	for _, f := range formats {
		s.formats[f.PayloadType&0x7f] = format{codec: f.Codec, rtx: f.RTX}
		if f.RTX != 0 {
			s.formats[f.RTX&0x7f] = format{codec: f.Codec, original: f.PayloadType, isRTX: true}
		}
	}
	if s.extensions == (packet.Extensions{}) {
		s.extensions = packet.Extensions{AudioLevel: 1, SendTime: 3, TransportSeq: 5, Dependency: 11}
	}
	if s.rand == nil {
		s.rand = secureRand
		s.firstSeq = func() uint16 { return uint16(secureRand()) & 0x7fff }
	}
	return s
}

func secureRand() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}

// clockRate returns the RTP clock rate of a kind.
func clockRate(k room.Kind) uint32 {
	if k == room.Audio {
		return 48000
	}
	return 90000
}
