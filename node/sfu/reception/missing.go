package reception

import "time"

const (
	mostMissing = 256
	mostTries   = 10
	patience    = time.Second
	soonest     = 20 * time.Millisecond // between two requests for a packet
)

type missing struct {
	since, next time.Time
	seq         uint16
	tries       uint8
}

// Missing are the packets of one stream that did not come. The zero value is ready to use. Memory is taken with the
// first gap.
type Missing struct {
	list []missing // in order of sequence numbers
}

// Fresh takes note that seq came after before, the highest until then. It reports false when so much is missing between
// them that asking makes no sense: then nothing is asked for any more.
func (m *Missing) Fresh(before, seq uint16, now time.Time) bool {
	gap := int(seq-before) - 1
	if gap <= 0 {
		return true
	}
	if gap+len(m.list) > mostMissing {
		m.list = m.list[:0]
		return false
	}
	for n := before + 1; n != seq; n++ {
		m.list = append(m.list, missing{seq: n, since: now, next: now})
	}
	return true
}

// Late takes note that seq, which was missing, came.
func (m *Missing) Late(seq uint16) {
	for i := range m.list {
		if m.list[i].seq == seq {
			m.list = append(m.list[:i], m.list[i+1:]...)
			return
		}
	}
}

// Forget stops waiting for anything.
func (m *Missing) Forget() { m.list = m.list[:0] }

// Due appends to dst the sequence numbers to ask for now. gaveUp says that packets were given up: a key frame is needed.
// rtt is the round trip time to the sender.
func (m *Missing) Due(now time.Time, rtt time.Duration, dst []uint16) (due []uint16, gaveUp bool) {
	kept := m.list[:0]
	for _, p := range m.list {
		if p.tries >= mostTries && !p.next.After(now) || now.Sub(p.since) >= patience {
			gaveUp = true
			continue
		}
		if !p.next.After(now) {
			dst = append(dst, p.seq)
			p.tries++
			p.next = now.Add(max(rtt+rtt/4, soonest))
		}
		kept = append(kept, p)
	}
	m.list = kept
	return dst, gaveUp
}

// Any reports whether anything is missing.
func (m *Missing) Any() bool { return len(m.list) > 0 }
