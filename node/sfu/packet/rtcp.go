package packet

import (
	"encoding/binary"
	"errors"
	"time"
)

// ErrRTCP says that a compound RTCP packet is malformed.
var ErrRTCP = errors.New("rtcp packet: malformed")

// RTCP packet types, and the feedback formats that a forwarder knows.
const (
	TypeSR        = 200
	TypeRR        = 201
	TypeTransport = 205 // RFC 4585 6.2
	TypePayload   = 206 // RFC 4585 6.3

	FormatNACK        = 1  // of TypeTransport
	FormatTransportCC = 15 // of TypeTransport
	FormatPLI         = 1  // of TypePayload
	FormatFIR         = 4  // of TypePayload, RFC 5104 4.3.1
	FormatREMB        = 15 // of TypePayload
)

// RTCP is one packet of a compound. Its body is bounded; the methods that read it return false at its end.
type RTCP struct {
	Type  uint8
	Count uint8  // reports, or the feedback format
	Body  []byte // without header and padding
}

// NextRTCP takes the first packet from the compound b and returns the rest.
func NextRTCP(b []byte) (RTCP, []byte, error) {
	if len(b) < 4 || b[0]>>6 != 2 {
		return RTCP{}, nil, ErrRTCP
	}
	length := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
	if length > len(b) {
		return RTCP{}, nil, ErrRTCP
	}
	body := b[4:length]
	if b[0]&0x20 != 0 {
		if len(body) == 0 {
			return RTCP{}, nil, ErrRTCP
		}
		n := int(body[len(body)-1])
		if n == 0 || n > len(body) {
			return RTCP{}, nil, ErrRTCP
		}
		body = body[:len(body)-n]
	}
	return RTCP{Type: b[1], Count: b[0] & 0x1f, Body: body}, b[length:], nil
}

// SenderInfo is the length of what stands before the blocks of a sender report, SSRC included.
const SenderInfo = 24

// AppendInfo appends a sender report with the sender info given, of [SenderInfo] bytes, as it is, and without blocks.
func AppendInfo(dst, info []byte) []byte {
	dst = append(dst, 0x80, TypeSR, 0, SenderInfo/4)
	return append(dst, info[:SenderInfo]...)
}

// SenderInfo returns the sender's SSRC, NTP time and RTP timestamp of a sender report.
func (p *RTCP) SenderInfo() (ssrc uint32, ntp uint64, rtp uint32, ok bool) {
	if p.Type != TypeSR || len(p.Body) < 24 {
		return 0, 0, 0, false
	}
	return binary.BigEndian.Uint32(p.Body), binary.BigEndian.Uint64(p.Body[4:]), binary.BigEndian.Uint32(p.Body[12:]), true
}

// Block is what a forwarder reads of a report block.
type Block struct{ SSRC, LastReport, SinceLast uint32 }

// Block returns report block i of a sender or receiver report.
func (p *RTCP) Block(i int) (Block, bool) {
	at := 4
	switch p.Type {
	case TypeSR:
		at = 24
	case TypeRR:
	default:
		return Block{}, false
	}
	at += 24 * i
	if i >= int(p.Count) || len(p.Body) < at+24 {
		return Block{}, false
	}
	b := p.Body[at:]
	return Block{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])}, true
}

// Media returns the SSRC that feedback is about.
func (p *RTCP) Media() (uint32, bool) {
	if len(p.Body) < 8 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.Body[4:]), true
}

// Lost returns pair i of a NACK: a sequence number and a bit for each of the 16 after it.
func (p *RTCP) Lost(i int) (seq, more uint16, ok bool) {
	at := 8 + 4*i
	if len(p.Body) < at+4 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(p.Body[at:]), binary.BigEndian.Uint16(p.Body[at+2:]), true
}

// Refresh returns the SSRC of entry i of a full intra request.
func (p *RTCP) Refresh(i int) (uint32, bool) {
	at := 8 + 8*i
	if len(p.Body) < at+8 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.Body[at:]), true
}

func appendHeader(dst []byte, count, kind uint8, words int, ssrc uint32) []byte {
	dst = append(dst, 0x80|count, kind, byte(words>>8), byte(words))
	return binary.BigEndian.AppendUint32(dst, ssrc)
}

// ReportBlock is a report block as it is written (RFC 3550 6.4.1).
type ReportBlock struct {
	SSRC         uint32
	FractionLost uint8
	TotalLost    uint32
	Highest      uint32
	Jitter       uint32
	LastReport   uint32
	SinceLast    uint32
}

// AppendRR appends a receiver report of ssrc with at most 31 blocks.
func AppendRR(dst []byte, ssrc uint32, blocks []ReportBlock) []byte {
	dst = appendHeader(dst, uint8(len(blocks)), TypeRR, 1+6*len(blocks), ssrc)
	for i := range blocks {
		b := &blocks[i]
		dst = binary.BigEndian.AppendUint32(dst, b.SSRC)
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.FractionLost)<<24|b.TotalLost&0xffffff)
		dst = binary.BigEndian.AppendUint32(dst, b.Highest)
		dst = binary.BigEndian.AppendUint32(dst, b.Jitter)
		dst = binary.BigEndian.AppendUint32(dst, b.LastReport)
		dst = binary.BigEndian.AppendUint32(dst, b.SinceLast)
	}
	return dst
}

// AppendSR appends a sender report without blocks, and a source description with the CNAME of the sender.
func AppendSR(dst []byte, ssrc uint32, ntp uint64, rtp, packets, octets uint32, cname string) []byte {
	dst = appendHeader(dst, 0, TypeSR, 6, ssrc)
	dst = binary.BigEndian.AppendUint64(dst, ntp)
	dst = binary.BigEndian.AppendUint32(dst, rtp)
	dst = binary.BigEndian.AppendUint32(dst, packets)
	dst = binary.BigEndian.AppendUint32(dst, octets)
	item := 4 + 2 + len(cname)  // SSRC, type, length, name
	words := (item + 1 + 3) / 4 // at least one zero byte ends the chunk
	dst = appendHeader(dst, 1, 202, words, ssrc)
	dst = append(dst, 1, byte(len(cname)))
	dst = append(dst, cname...)
	for n := item; n < 4*words; n++ {
		dst = append(dst, 0)
	}
	return dst
}

// AppendPLI appends a picture loss indication about media.
func AppendPLI(dst []byte, ssrc, media uint32) []byte {
	dst = appendHeader(dst, FormatPLI, TypePayload, 2, ssrc)
	return binary.BigEndian.AppendUint32(dst, media)
}

// AppendNACK appends a generic NACK for the sequence numbers, which are not empty and in order.
func AppendNACK(dst []byte, ssrc, media uint32, seqs []uint16) []byte {
	at := len(dst)
	dst = appendHeader(dst, FormatNACK, TypeTransport, 0, ssrc)
	dst = binary.BigEndian.AppendUint32(dst, media)
	for len(seqs) > 0 {
		first, more, n := seqs[0], uint16(0), 1
		for n < len(seqs) && seqs[n]-first >= 1 && seqs[n]-first <= 16 {
			more |= 1 << (seqs[n] - first - 1)
			n++
		}
		dst = binary.BigEndian.AppendUint16(dst, first)
		dst = binary.BigEndian.AppendUint16(dst, more)
		seqs = seqs[n:]
	}
	binary.BigEndian.PutUint16(dst[at+2:], uint16((len(dst)-at)/4-1))
	return dst
}

const ntpEpoch = 2208988800 // seconds from 1900 to 1970

// NTP returns t as an NTP timestamp.
func NTP(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | (uint64(t.Nanosecond())<<32)/1e9
}

// FromNTP returns the time of an NTP timestamp.
func FromNTP(n uint64) time.Time {
	return time.Unix(int64(n>>32)-ntpEpoch, int64((n&0xffffffff)*1e9>>32))
}

// ShortNTP returns the middle 32 bits of an NTP timestamp: 1/65536 s.
func ShortNTP(n uint64) uint32 { return uint32(n >> 16) }

// SendTime returns t as an abs-send-time: 24 bits, 6.18 fixed point seconds.
func SendTime(t time.Time) uint32 {
	return uint32(NTP(t)>>14) & 0xffffff
}
