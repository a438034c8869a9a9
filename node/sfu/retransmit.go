package sfu

import (
	"time"

	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

const (
	recentSize  = 256
	budgetRate  = 256 << 10 // bytes of retransmissions a second
	budgetBurst = 128 << 10
)

// sentAgain says when a packet was last retransmitted.
type sentAgain struct {
	at  time.Time
	seq uint16
}

// budget bounds the retransmissions to one receiver: a bucket of bytes that fills with time.
type budget struct {
	bytes int
	at    time.Time
}

// take takes n bytes out and reports whether they were there. rate bytes come in a second, and burst are held at most.
func (b *budget) take(n, rate, burst int, now time.Time) bool {
	if b.at.IsZero() {
		b.bytes, b.at = burst, now
	}
	if d := now.Sub(b.at); d > 0 {
		b.bytes = min(b.bytes+int(min(d, time.Second)*time.Duration(rate)/time.Second), burst)
		b.at = now
	}
	if b.bytes < n {
		return false
	}
	b.bytes -= n
	return true
}

// nack answers one pair of a NACK about the SSRC media.
func (d *downlink) nack(media uint32, first, more uint16, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.bySSRC[media]
	if s == nil || s.rtx == 0 || !d.connected || d.frozen {
		return
	}
	d.retransmit(s, first, now)
	for i := range uint16(16) {
		if more>>i&1 != 0 {
			d.retransmit(s, first+1+i, now)
		}
	}
}

// retransmit sends the packet with the outgoing sequence number seq again, if it is still known.
func (d *downlink) retransmit(s *slot, seq uint16, now time.Time) {
	place, ok := s.stream.Locate(seq)
	if !ok || !s.mayRepeat(seq, min(max(d.p.roundTrip(), 20*time.Millisecond), 200*time.Millisecond), now) {
		d.counters.Refused++
		return
	}
	from := place.Origin
	if from.layer == nil {
		d.counters.Refused++
		return
	}
	var h packet.Header
	var f *format
	from.layer.mu.Lock()
	b, ok, marked := []byte(nil), false, false
	if stored, note, found := from.layer.ring.Get(place.Seq); found && from.layer.inRing == from.run {
		if packet.Parse(stored, d.p.set.extensions, &h) == nil {
			f = &d.p.set.formats[h.PayloadType]
			if f.rtx != 0 && d.budget.take(len(stored), budgetRate, budgetBurst, now) {
				b, ok = packet.Wrap(d.p.out.Buffer(), stored, h.Payload, f.rtx, seq), true
				marked = note&inside != 0
			}
		}
	}
	from.layer.mu.Unlock()
	if !ok {
		d.counters.Refused++
		return
	}
	var pic picture
	if !h.Empty() && pic.read(f.codec, b, &h, h.Payload+packet.OSN) != nil {
		pic = picture{}
	}
	in := pic.numbers(&h)
	m := place.Map(&in)
	pic.patch(b, &m)
	packet.Patch(b, s.rtxSeq, m.TS, s.rtx)
	s.rtxSeq++
	s.repeated(seq, now)
	d.counters.Retransmitted++
	d.finish(b, &h, marked, packet.SendTime(now))
	d.sendOne(b)
}

// mayRepeat reports whether seq was not sent again within the time given.
func (s *slot) mayRepeat(seq uint16, apart time.Duration, now time.Time) bool {
	if s.recent == nil {
		return true
	}
	e := &s.recent[seq%recentSize]
	return e.at.IsZero() || e.seq != seq || now.Sub(e.at) >= apart
}

// repeated takes note that seq was sent again.
func (s *slot) repeated(seq uint16, now time.Time) {
	if s.recent == nil {
		s.recent = new([recentSize]sentAgain)
	}
	s.recent[seq%recentSize] = sentAgain{now, seq}
}
