// Package load makes the traffic of a meeting without browsers, and runs the servers that it is for.
//
// The traffic of one publisher is that of reference measurements of other servers, so that figures compare: VP8 with 30
// frames a second of 6 packets of 1050 bytes (1.51 Mbit/s, a key frame every 3 s and on request) and Opus with 50 packets
// a second of 90 bytes. Packets carry what the node needs to do its work: a valid VP8 descriptor with picture ids, audio
// levels and transport-wide sequence numbers. Payloads carry the time of sending, so that a window counts exactly the
// packets that were sent in it and every packet tells its latency.
//
// What a node spends on that, beside other servers, is measured by package bench. Here are the processes of servers, crowds that
// fill a room, rushes that come at once and soaks that come and go.
package load

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/pion/rtp"
)

// What one publisher sends.
const (
	FramesPerSecond  = 30
	PacketsPerFrame  = 6
	VideoPayload     = 1050
	OpusPerSecond    = 50
	OpusPayload      = 90
	PacketsPerSecond = FramesPerSecond*PacketsPerFrame + OpusPerSecond

	payloadOpus     = 111
	payloadVP8      = 100
	payloadAV1      = 41
	extensionLevel  = 1
	extensionTCC    = 5
	keyframePeriod  = 3 * FramesPerSecond
	firstPictureID  = 100
	clockVideo      = 90000
	clockAudio      = 48000
	oneByteProfile  = 0xBEDE
	audioLevelSpeak = 30
	stampOffset     = 16 // of the time of sending in a payload, behind every codec's descriptor
	minStamped      = stampOffset + 8
)

// Publisher makes the packets of one publisher. It is not safe for concurrent use.
type Publisher struct {
	Audio, Video       uint32 // SSRCs
	seqAudio, seqVideo uint16
	tsAudio, tsVideo   uint32
	picture            uint16
	tl0                uint8
	transport          uint16
	frames             int
	payload            [VideoPayload]byte
	key                bool
}

// NewPublisher returns a publisher with the given SSRCs whose sequence numbers begin at seq.
func NewPublisher(audio, video uint32, seq uint16) *Publisher {
	return &Publisher{Audio: audio, Video: video, seqVideo: seq, seqAudio: seq, picture: firstPictureID, key: true}
}

// RequestKeyframe makes the next frame a key frame.
func (p *Publisher) RequestKeyframe() { p.key = true }

// Frame returns the packets of the next video frame. now is written into each payload as nanoseconds, for latency.
func (p *Publisher) Frame(now time.Time) [][]byte {
	key := p.key || p.frames%keyframePeriod == 0
	p.key = false
	p.frames++
	p.picture = (p.picture + 1) & 0x7fff
	p.tl0++
	p.tsVideo += clockVideo / FramesPerSecond
	out := make([][]byte, 0, PacketsPerFrame)
	for i := range PacketsPerFrame {
		b := p.payload[:]
		// RFC 7741 4.2: X, S in the first packet; I, L, T; 15-bit picture id, TL0PICIDX, TID 0.
		b[0] = 0x80
		if i == 0 {
			b[0] |= 0x10
		}
		b[1] = 0xE0
		binary.BigEndian.PutUint16(b[2:], p.picture|0x8000)
		b[4] = p.tl0
		b[5] = 0x20
		// RFC 7741 4.3: the P bit is set unless this is a key frame, which goes on with a start code and 640x360.
		copy(b[6:stampOffset], []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		if key {
			copy(b[6:stampOffset], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01})
		}
		binary.BigEndian.PutUint64(b[stampOffset:], uint64(now.UnixNano()))
		h := rtp.Header{Version: 2, PayloadType: payloadVP8, SequenceNumber: p.seqVideo, Timestamp: p.tsVideo, SSRC: p.Video, Marker: i == PacketsPerFrame-1}
		out = append(out, p.packet(h, b))
		p.seqVideo++
	}
	return out
}

// Opus returns the next audio packet.
func (p *Publisher) Opus(now time.Time) []byte {
	var b [OpusPayload]byte
	b[0] = 0x78
	binary.BigEndian.PutUint64(b[stampOffset:], uint64(now.UnixNano()))
	p.tsAudio += clockAudio / OpusPerSecond
	h := rtp.Header{Version: 2, PayloadType: payloadOpus, SequenceNumber: p.seqAudio, Timestamp: p.tsAudio, SSRC: p.Audio}
	p.seqAudio++
	return p.packet(h, b[:], extensionLevel, 0x80|audioLevelSpeak)
}

// packet adds the transport-wide sequence number, and the one-byte extension id, value when given.
func (p *Publisher) packet(h rtp.Header, payload []byte, extension ...byte) []byte {
	h.Extension, h.ExtensionProfile = true, oneByteProfile
	err := h.SetExtension(extensionTCC, binary.BigEndian.AppendUint16(nil, p.transport))
	if len(extension) == 2 {
		err = errors.Join(err, h.SetExtension(extension[0], extension[1:]))
	}
	if err != nil {
		panic(err) // the header is ours
	}
	p.transport++
	raw, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		panic(err) // the header is ours
	}
	return raw
}
