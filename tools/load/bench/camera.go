package bench

import (
	"encoding/binary"
	"time"
)

const (
	payloadOpus = 111
	payloadVP8  = 100
	payloadAV1  = 41
	stampOffset = 16 // of the time of sending in a payload, as package load reads it
	leastSize   = stampOffset + 8
	headerSize  = 12 + 4 + 8 // with one word of extensions more than needed, so that audio and video are alike
	clockVideo  = 90000
)

// camera makes the packets of one encoding of one publisher.
type camera struct {
	ssrc    uint32
	codec   uint8 // payload type of what is in it
	payload uint8 // payload type of its packets
	seq     uint16
	ts      uint32
	picture uint16
	tl0     uint8
	lines   uint16 // height of the picture
	key     bool
}

// shot is one packet of a plan.
type shot struct {
	at         time.Duration // from the start of the plan
	encoding   int
	size       int // of the payload
	start, end bool
	key        bool
	tid        uint8 // temporal layer
}

// packet appends the next packet to buf. The transport-wide number is that of the publisher.
func (c *camera) packet(buf []byte, s shot, transport uint16, frame time.Duration, now time.Time) []byte {
	if s.start {
		c.picture = (c.picture + 1) & 0x7fff
		if s.tid == 0 {
			c.tl0++
		}
		// Two frames that left at once were not taken at once.
		if ts := uint32(frame * clockVideo / time.Second); int32(ts-c.ts) > 0 || c.ts == 0 {
			c.ts = ts
		} else {
			c.ts += clockVideo / 1000
		}
		c.key = s.key
	}
	buf = header(buf, c.payload, s.end, c.seq, c.ts, c.ssrc, transport, 0)
	c.seq++
	at := len(buf)
	buf = append(buf, make([]byte, max(s.size, leastSize))...)
	b := buf[at:]
	if c.codec == payloadAV1 {
		c.av1(b, s)
	} else {
		c.vp8(b, s)
	}
	binary.BigEndian.PutUint64(b[stampOffset:], uint64(now.UnixNano()))
	return buf
}

// vp8 writes a payload descriptor with picture ids (RFC 7741 4.2) and, at the start, a payload header (4.3).
func (c *camera) vp8(b []byte, s shot) {
	b[0] = 0x80
	if s.start {
		b[0] |= 0x10
	}
	b[1] = 0xe0
	binary.BigEndian.PutUint16(b[2:], c.picture|0x8000)
	b[4] = c.tl0
	b[5] = s.tid<<6 | 0x20
	b[6] = 1
	if s.start && c.key {
		copy(b[6:stampOffset], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0, 0, 0, 0})
		binary.LittleEndian.PutUint16(b[12:], c.lines*16/9)
		binary.LittleEndian.PutUint16(b[14:], c.lines)
	}
}

// av1 writes an aggregation header (RTP payload format for AV1 4.4): one element, of which there is more before and behind.
func (c *camera) av1(b []byte, s shot) {
	b[0] = 1 << 4
	if !s.start {
		b[0] |= 0x80
	}
	if !s.end {
		b[0] |= 0x40
	}
	if s.start && c.key {
		b[0] |= 0x08
	}
	b[1] = 0x32 // an OBU that is a frame, without extension
}

// microphone makes the audio packets of one publisher.
type microphone struct {
	ssrc uint32
	seq  uint16
	ts   uint32
}

const (
	audioPeriod = 20 * time.Millisecond
	audioSize   = 90
	audioLevel  = 0x80 | 30
)

func (m *microphone) packet(buf []byte, transport uint16, now time.Time) []byte {
	m.ts += 960
	buf = header(buf, payloadOpus, false, m.seq, m.ts, m.ssrc, transport, audioLevel)
	m.seq++
	at := len(buf)
	buf = append(buf, make([]byte, audioSize)...)
	buf[at] = 0x78
	binary.BigEndian.PutUint64(buf[at+stampOffset:], uint64(now.UnixNano()))
	return buf
}

// header appends an RTP header with one-byte extensions (RFC 8285): transport-wide number 5, and audio level 1 when there is one.
func header(buf []byte, codec uint8, marker bool, seq uint16, ts, ssrc uint32, transport uint16, level uint8) []byte {
	if marker {
		codec |= 0x80
	}
	buf = append(buf, 0x90, codec)
	buf = binary.BigEndian.AppendUint16(buf, seq)
	buf = binary.BigEndian.AppendUint32(buf, ts)
	buf = binary.BigEndian.AppendUint32(buf, ssrc)
	if level == 0 {
		buf = append(buf, 0xbe, 0xde, 0, 1, 5<<4|1, 0, 0, 0)
		binary.BigEndian.PutUint16(buf[len(buf)-3:], transport)
		return buf
	}
	buf = append(buf, 0xbe, 0xde, 0, 2, 5<<4|1, 0, 0, 1<<4, level, 0, 0, 0)
	binary.BigEndian.PutUint16(buf[len(buf)-7:], transport)
	return buf
}
