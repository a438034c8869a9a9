package load

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// Receiver counts what one receiver gets. Its lock is its own: only its reading goroutine takes it, and once a second
// whoever makes its report.
type Receiver struct {
	mu      sync.Mutex
	span    span
	streams []*stream
	marked  int64
	latency Histogram
	foreign int64
}

// span is the part of time whose packets count, by the time they were sent.
type span struct{ from, to time.Time }

func (s span) holds(at time.Time) bool { return !at.Before(s.from) && at.Before(s.to) }

// stream is what a receiver knows of one SSRC (RFC 3550 A.3).
type stream struct {
	ssrc             uint32
	base, highest    uint32 // extended sequence numbers
	packets, late    int64
	expected, gotten int64 // at the last report
}

// Tally is what a receiver got since it joined.
type Tally struct {
	Packets int64 // of the publisher's own payload types
	Lost    int64 // sequence numbers that never came
	Late    int64 // packets that came behind one with a higher sequence number
	Foreign int64 // packets that are not the publisher's: retransmissions, padding
	Streams int
}

// NewReceiver returns a receiver that has heard nothing.
func NewReceiver() *Receiver { return new(Receiver) }

// RTP takes one packet: its header and all of its bytes.
func (r *Receiver) RTP(h *rtp.Header, packet []byte, arrived time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	payload := payloadOf(packet)
	if h.PayloadType != payloadVP8 && h.PayloadType != payloadOpus && h.PayloadType != payloadAV1 || len(payload) < minStamped {
		r.foreign++
		return
	}
	r.stream(h.SSRC, h.SequenceNumber).hear(h.SequenceNumber)
	at := time.Unix(0, int64(binary.BigEndian.Uint64(payload[stampOffset:])))
	if r.span.holds(at) {
		r.marked++
		r.latency.add(arrived.Sub(at))
	}
}

// payloadOf returns what is behind the header of a packet (RFC 3550 5.1). What a header would take that is made of its fields
// says nothing: nodes leave padding where they took an extension out.
func payloadOf(packet []byte) []byte {
	if len(packet) < 12 {
		return nil
	}
	at := 12 + 4*int(packet[0]&0x0f)
	if packet[0]&0x10 != 0 {
		if len(packet) < at+4 {
			return nil
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(packet[at+2:]))
	}
	return packet[min(at, len(packet)):]
}

func (r *Receiver) stream(ssrc uint32, seq uint16) *stream {
	for _, s := range r.streams {
		if s.ssrc == ssrc {
			return s
		}
	}
	// One cycle ahead, so that a late first packet does not fall below zero.
	s := &stream{ssrc: ssrc, base: 1<<16 | uint32(seq), highest: 1<<16 | uint32(seq) - 1}
	r.streams = append(r.streams, s)
	return s
}

func (s *stream) hear(seq uint16) {
	s.packets++
	if ahead := int16(seq - uint16(s.highest)); ahead > 0 {
		s.highest += uint32(ahead)
	} else {
		s.late++
	}
}

func (s *stream) span() int64 { return int64(s.highest) - int64(s.base) + 1 }

// Tally returns the counts so far.
func (r *Receiver) Tally() Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := Tally{Foreign: r.foreign, Streams: len(r.streams)}
	for _, s := range r.streams {
		t.Packets += s.packets
		t.Late += s.late
		t.Lost += s.span() - s.packets
	}
	return t
}

// Report makes the receiver report that every client sends once a second (RFC 3550 6.4.2), nil before the first packet.
func (r *Receiver) Report() []byte {
	const most = 31 // blocks in one
	r.mu.Lock()
	defer r.mu.Unlock()
	var compound []byte
	for streams := range slices.Chunk(r.streams, most) {
		rr := rtcp.ReceiverReport{SSRC: 1}
		for _, s := range streams {
			rr.Reports = append(rr.Reports, s.report())
		}
		raw, err := rr.Marshal()
		if err != nil {
			panic(err) // the report is ours
		}
		compound = append(compound, raw...)
	}
	return compound
}

func (s *stream) report() rtcp.ReceptionReport {
	expected, gotten := s.span()-s.expected, s.packets-s.gotten
	s.expected, s.gotten = s.span(), s.packets
	report := rtcp.ReceptionReport{
		SSRC: s.ssrc, LastSequenceNumber: s.highest - 1<<16, TotalLost: uint32(max(0, s.span()-s.packets)) & 0xffffff,
	}
	if lost := expected - gotten; lost > 0 && expected > 0 {
		report.FractionLost = uint8(min(255, lost*256/expected))
	}
	return report
}

// Open begins a span at from, without an end.
func (r *Receiver) Open(from time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.span = span{from, from.Add(time.Hour)}
	r.marked = 0
	r.latency = Histogram{}
}

// Close ends the span at to; packets that were sent before may still come.
func (r *Receiver) Close(to time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.span.to = to
}

// Count adds what the span holds to delivered and to h.
func (r *Receiver) Count(h *Histogram) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.merge(&r.latency)
	return r.marked
}
