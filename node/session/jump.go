package session

import "slices"

// How far the counters of a value jump whose holder died after it was taken.
const (
	// JumpRTP is more packets than a stream sends between a record and the death of its holder, and less than half of the sequence
	// space: who had a packet of before takes what comes next for newer, and guesses its roll-over counter right.
	JumpRTP = 1 << 14
	// JumpRTCP may be more: the index is in the packet.
	JumpRTCP = 1 << 16

	jumpPicture = 1 << 10
	jumpTL0     = 1 << 6
	jumpFrame   = 1 << 12
	jumpReports = 1 << 6
)

// Jump makes a value one that may be gone on with although its holder went on after it was taken and died: no packet index that the
// holder may have used is used again with the same keys. Streams begin anew behind the gap with a packet that may start one. Feedback
// to the client begins with what comes next. The epoch is the next one.
func (p *Participant) Jump() {
	m, f := &p.Media, &p.Forwarding
	sent := make(map[uint32]bool, len(m.Sent))
	for i := range m.Sent {
		m.Sent[i].Index += JumpRTP
		m.Sent[i].Window = [8]uint64{}
		sent[m.Sent[i].SSRC] = true
	}
	for i := range m.SentRTCP {
		m.SentRTCP[i].Next += JumpRTCP
	}
	// Of a stream that had sent nothing nobody knows whether the client has had a packet since: behind a wrap of the sequence the two
	// would not agree about the roll-over counter.
	f.Slots = slices.DeleteFunc(f.Slots, func(s Slot) bool { return !sent[s.SSRC] && s.Rewrite.LastSeq >= 1<<16-1-JumpRTP })
	for i := range f.Slots {
		s := &f.Slots[i]
		s.RTXSeq += JumpRTP
		r := &s.Rewrite
		r.InSSRC = 0
		r.LastSeq += JumpRTP
		r.LastPicture = (r.LastPicture + jumpPicture) & 0x7fff
		r.LastTL0 += jumpTL0
		r.LastFrame += jumpFrame
		// Its reports may have begun since.
		if !slices.ContainsFunc(m.SentRTCP, func(c SentRTCP) bool { return c.SSRC == s.SSRC }) {
			m.SentRTCP = append(m.SentRTCP, SentRTCP{SSRC: s.SSRC, Next: JumpRTCP})
		}
	}
	f.NextTransportSeq = 0
	f.FeedbackCount += jumpReports
	p.Epoch++
}

// Thin takes out of a value what [Participant.Jump] would: of a record that is kept for a jump it need not be sent.
func (p *Participant) Thin() {
	for i := range p.Media.Sent {
		p.Media.Sent[i].Window = [8]uint64{}
	}
	for i := range p.Forwarding.Slots {
		p.Forwarding.Slots[i].Rewrite.InSSRC = 0
	}
	p.Forwarding.NextTransportSeq = 0
}
