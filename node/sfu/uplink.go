package sfu

import (
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/bandwidth"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
	"github.com/atoll-mesh/atoll/node/sfu/reception"
	"github.com/atoll-mesh/atoll/node/sfu/rewrite"
)

const (
	mostLevels   = 64                     // audio levels kept between two ticks of the room
	reportsApart = 900 * time.Millisecond // between two sender reports of an encoding that are passed on to other nodes
)

// incoming is what an SSRC of a sender means.
type incoming struct {
	layer *layer
	rtx   bool
}

// level is one audio level.
type level struct {
	at    time.Time
	level uint8
}

// uplink is what one participant sends.
type uplink struct {
	p  *Participant
	mu sync.Mutex

	streams  map[uint32]incoming
	named    map[room.SourceName]*source // of a Remote
	sources  []*source
	recorder *bandwidth.Recorder // nil for a Remote
	media    uint32              // an SSRC of the sender, for feedback
	offset   clockOffset
	levels   []level // of who speaks: grows to mostLevels once
	voice    *source
	reported time.Time
	counters Counters

	rtcp   []byte
	lost   []uint16
	blocks []packet.ReportBlock
}

// inbound is a packet on its way to the receivers.
type inbound struct {
	bytes     []byte
	copy      *[2048]byte // where bytes are, when they are a copy
	to        *table
	header    packet.Header
	picture   picture
	mark      packet.Mark
	marked    bool // bytes may have the mark in them, which is not for participants
	forwarded bool // to participants
	live      bool // of the current encoding
	origin    origin
	rtp       rewrite.Packet
	at        time.Time
	sent      uint32 // abs-send-time
}

// receive takes a packet in and reports whether it goes anywhere.
func (u *uplink) receive(b []byte, now time.Time, in *inbound) bool {
	set := u.p.set
	h := &in.header
	err := packet.Parse(b, set.extensions, h)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil {
		u.counters.Malformed++
		return false
	}
	u.p.stir()
	u.counters.Packets++
	u.counters.Octets += uint64(len(b))
	if n, ok := h.TransportWide(b); ok {
		u.recorder.Record(n, now)
	}
	s, ok := u.streams[h.SSRC]
	f := &set.formats[h.PayloadType]
	if !ok || f.codec == 0 || f.isRTX != s.rtx || f.codec.kind() != s.layer.source.kind {
		u.counters.Unknown++
		return false
	}
	l := s.layer
	u.media = l.ssrc
	if s.rtx {
		if b, ok = packet.Unwrap(b, h, f.original, l.ssrc); !ok {
			return false // a probe
		}
		if packet.Parse(b, set.extensions, h) != nil {
			u.counters.Malformed++
			return false
		}
		f = &set.formats[h.PayloadType]
	}
	return u.accept(l, f.codec, b, now, in, s.rtx)
}

// await returns when every packet that was being taken in has been.
func (u *uplink) await() {
	u.mu.Lock()
	defer u.mu.Unlock()
}

// accept takes in the packet b of l, whose header and, from another node, mark are in in, and reports whether it goes anywhere.
func (u *uplink) accept(l *layer, c Codec, b []byte, now time.Time, in *inbound, recovered bool) bool {
	h := &in.header
	if !u.take(l, h, in.mark, now, recovered) {
		return false
	}
	src := l.source
	key := false
	if src.kind == room.Video && !h.Empty() {
		if c != AV1 {
			h.DropDependency(b)
		}
		err := in.picture.read(c, b, h, h.Payload)
		switch {
		case in.mark.Present():
			if err != nil {
				in.picture = picture{}
			}
			key = in.mark.Keyframe()
		case err != nil:
			u.counters.Malformed++
			return false
		default:
			key = l.begins(h, &in.picture)
		}
		if !l.speaks(c, h.Seq, key) {
			return false
		}
		if key {
			u.keyframe(l, in, now)
		} else if u.p.away() {
			src.notice(l, in.mark, now)
		}
	}
	in.rtp = in.picture.numbers(h)
	level, heard := uint8(0), false
	if src.kind == room.Audio {
		if level, heard = in.mark.Level(); !heard {
			level, heard = h.Level(b)
		}
		if heard {
			u.hear(src, level, now)
		}
	}
	t := src.table.Load()
	in.to = t
	if t.empty() {
		return false
	}
	far := u.p.away()
	in.marked = far || in.mark.Present()
	if len(t.pulls) > 0 && !in.marked {
		in.mark = l.mark(h.Seq, key, &in.picture.Descriptor)
		if heard {
			in.mark = in.mark.WithLevel(level)
		}
	}
	if src.caches(l) {
		l.put(h.Seq, b, in.mark, in.marked, now)
	}
	in.forwarded, in.live = src.forwards(l, h.Seq, now)
	if !in.forwarded && (!far || len(t.pulls) == 0) {
		return false
	}
	in.bytes, in.at = b, now
	in.origin = origin{l, l.run}
	in.rtp.Start = in.live && (key || src.kind == room.Audio)
	in.sent = packet.SendTime(now)
	return true
}

// take counts the packet and reports whether it is one to go on with: not seen before.
func (u *uplink) take(l *layer, h *packet.Header, m packet.Mark, now time.Time, recovered bool) bool {
	started, before := l.stats.Started(), l.stats.Highest()
	var verdict reception.Verdict
	if m.Present() {
		verdict = l.stats.Place(m.Extended(h.Seq), h.TS, now)
	} else {
		verdict = l.stats.Receive(h.Seq, h.TS, now, recovered)
	}
	switch verdict {
	case reception.Fresh:
		l.extend(started, h.Seq-before, now)
		if started && l.source.kind == room.Video && l.source.caches(l) && !l.missing.Fresh(before, h.Seq, now) {
			l.pending = true
		}
	case reception.Late:
		l.missing.Late(h.Seq)
	case reception.Restarted:
		l.extend(false, 0, now)
		l.restart()
	case reception.Duplicate, reception.Doubtful:
		u.counters.Duplicates++
		return false
	}
	if recovered {
		u.counters.Recovered++
	}
	l.last = now
	return true
}

// keyframe takes note of the first packet of a key frame of l.
func (u *uplink) keyframe(l *layer, in *inbound, now time.Time) {
	if h := min(in.picture.Width, in.picture.Height); h > 0 {
		l.height = h
	}
	l.pending = false
	if u.p.away() {
		l.source.follow(l, in.mark, in.header.Seq, now)
		return
	}
	l.source.keyframe(l, now)
}

// hear keeps a level for the room's next tick.
func (u *uplink) hear(s *source, v uint8, now time.Time) {
	u.voice = s
	if len(u.levels) == mostLevels {
		copy(u.levels, u.levels[1:])
		u.levels = u.levels[:mostLevels-1]
	}
	u.levels = append(u.levels, level{now, v})
}

// tick reports to the sender, asks for what is missing, and chooses encodings. It reports whether something is left to do.
func (u *uplink) tick(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ask(now)
	if !u.p.away() {
		u.feedback(now)
	}
	if now.Sub(u.reported) >= time.Second {
		u.reported = now
		u.report(now)
	}
	return u.unsettled()
}

// unsettled reports whether something waits for the next tick.
func (u *uplink) unsettled() bool {
	if u.recorder != nil && u.recorder.Waiting() {
		return true
	}
	for _, s := range u.sources {
		for _, l := range s.layers {
			if l.pending || l.missing.Any() {
				return true
			}
		}
	}
	return false
}

// send sends the compound in u.rtcp.
func (u *uplink) send() {
	if err := u.p.out.SendRTCP(u.rtcp); err != nil {
		u.counters.SendErrors++
	}
}

// sendAbout sends the compound in u.rtcp, which is about l.
func (u *uplink) sendAbout(l *layer) {
	if far := u.p.far.Load(); far != nil {
		(*far).Feedback(l.source.name, l.index, u.rtcp)
		return
	}
	u.send()
}

// feedback sends what the sender's congestion control needs.
func (u *uplink) feedback(now time.Time) {
	for range 4 {
		if !u.recorder.Due(now) {
			return
		}
		u.rtcp = packet.AppendRR(u.rtcp[:0], u.p.ssrc, nil)
		u.rtcp = u.recorder.Append(u.rtcp, u.media, now)
		u.send()
	}
}

// report sends receiver reports.
func (u *uplink) report(now time.Time) {
	u.blocks = u.blocks[:0]
	for _, s := range u.sources {
		for _, l := range s.layers {
			if now.Sub(l.last) > idle {
				if !l.last.IsZero() {
					l.release()
				}
				continue
			}
			r, ok := l.stats.Report(now)
			if !ok || len(u.blocks) == 31 || u.p.away() {
				continue
			}
			u.blocks = append(u.blocks, packet.ReportBlock{
				SSRC: l.ssrc, FractionLost: r.FractionLost, TotalLost: r.TotalLost, Highest: r.Highest,
				Jitter: r.Jitter, LastReport: r.LastReport, SinceLast: r.SinceLastInNTP,
			})
		}
	}
	if len(u.blocks) > 0 {
		u.rtcp = packet.AppendRR(u.rtcp[:0], u.p.ssrc, u.blocks)
		u.send()
	}
}

// senderReport takes the sender's clock from one of its reports. It returns the encoding that the report is about, when
// it is one that other nodes are to get it of.
func (u *uplink) senderReport(ssrc uint32, ntp uint64, rtp uint32, now time.Time) (*layer, *table) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s, ok := u.streams[ssrc]
	if !ok || s.rtx {
		return nil, nil
	}
	s.layer.stats.SenderReport(packet.ShortNTP(ntp), now)
	at := u.offset.ours(packet.FromNTP(ntp), now)
	s.layer.mu.Lock()
	s.layer.report = senderReport{at: at, rtp: rtp, valid: true}
	s.layer.mu.Unlock()
	t := s.layer.source.table.Load()
	if len(t.pulls) == 0 || now.Sub(s.layer.passed) < reportsApart {
		return nil, nil
	}
	s.layer.passed = now
	return s.layer, t
}

// clockOffset is what must be added to a sender's clock to get ours. All streams of a sender share it.
type clockOffset struct {
	offset time.Duration
	known  bool
}

// ours returns the time that the sender's time theirs was at, of a report that arrived at now. The report that was the
// quickest counts; slower ones pull only slowly, for clocks that drift.
func (c *clockOffset) ours(theirs, now time.Time) time.Time {
	seen := now.Sub(theirs)
	switch d := seen - c.offset; {
	case !c.known || d < 0 || d > 5*time.Second:
		c.offset, c.known = seen, true
	default:
		c.offset += d / 32
	}
	return theirs.Add(c.offset)
}
