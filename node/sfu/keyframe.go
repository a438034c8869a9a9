package sfu

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

const (
	apart   = 200 * time.Millisecond // between requests for key frames of an encoding
	again   = 500 * time.Millisecond // after which a request is sent again while somebody waits
	perSlot = 3                      // requests of a receiver for an SSRC that count
	within  = 10 * time.Second       // in this time
)

// limiter bounds how often one receiver's requests for key frames of one SSRC count.
type limiter struct {
	times [perSlot]stamp // of those that counted
	next  uint8
}

// allow reports whether a request counts at now. least is the time that must be between two.
func (l *limiter) allow(now time.Time, least time.Duration) bool {
	last := l.times[(l.next+perSlot-1)%perSlot]
	if last.age(now) < least || l.times[l.next].age(now) < within {
		return false
	}
	l.times[l.next] = stampOf(now)
	l.next = (l.next + 1) % perSlot
	return true
}

// ask does what is due about missing packets and key frames.
func (u *uplink) ask(now time.Time) {
	rtt := u.p.roundTrip()
	for _, s := range u.sources {
		if s.kind == room.Audio {
			continue
		}
		s.retarget(now)
		received := !s.table.Load().empty()
		if received && s.target != none && s.target != s.current && (!u.p.away() || now.Sub(s.since) >= overtaken) {
			u.request(s.layers[s.target], s.since, now)
		}
		for _, l := range s.layers {
			if !received || !s.caches(l) {
				l.missing.Forget()
				l.pending = false
				continue
			}
			if l.missing.Any() {
				u.nack(l, rtt, now)
			}
			if l.pending {
				u.request(l, now, now)
			}
		}
	}
}

// nack asks for what is missing of l.
func (u *uplink) nack(l *layer, rtt time.Duration, now time.Time) {
	due, gaveUp := l.missing.Due(now, rtt, u.lost[:0])
	u.lost = due
	if gaveUp && l.index == l.source.current {
		l.pending = true
	}
	if len(due) == 0 {
		return
	}
	u.counters.NACKsSent += uint64(len(due))
	u.rtcp = packet.AppendRR(u.rtcp[:0], u.p.ssrc, nil)
	u.rtcp = packet.AppendNACK(u.rtcp, u.p.ssrc, l.ssrc, due)
	u.sendAbout(l)
}

// request asks the sender for a key frame of l, which somebody needs since the time given: at once when nobody asked
// since, again when it does not come, never more often than the limit.
func (u *uplink) request(l *layer, since, now time.Time) {
	age, apart, again := now.Sub(l.asked), apart, again
	if u.p.away() {
		apart += u.p.roundTrip() // a key frame that is on its way answers everybody
		again = max(again, apart)
	}
	if !l.active(now) || !l.asked.IsZero() && (age < apart || age < again && !l.asked.Before(since)) {
		return
	}
	l.asked, l.pending = now, false
	u.counters.KeyframesAsked++
	u.rtcp = packet.AppendRR(u.rtcp[:0], u.p.ssrc, nil)
	u.rtcp = packet.AppendPLI(u.rtcp, u.p.ssrc, l.ssrc)
	u.sendAbout(l)
}

// requestKeyframe asks for a key frame of s for a receiver who needs one since the time given. remember says that the
// receiver does not ask again by itself: it is asked for as soon as the limit allows. It reports false when nothing ever came of s: then
// there is nothing to ask for.
func (s *source) requestKeyframe(since, now time.Time, remember bool) bool {
	u := &s.owner.up
	u.mu.Lock()
	defer u.mu.Unlock()
	i := s.target
	if i == none || !s.layers[i].active(now) {
		i = s.current
	}
	if i == none || i >= len(s.layers) {
		return false
	}
	l := s.layers[i]
	l.pending = l.pending || remember
	u.request(l, since, now)
	return true
}
