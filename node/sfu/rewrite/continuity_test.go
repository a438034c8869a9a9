package rewrite

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// feed is one incoming stream: frames of several packets, with a key frame now and then.
type feed struct {
	id      int
	seq     uint16
	ts      uint32
	picture uint16
	tl0     uint8
	frames  uint16
	codec   codec
}

// codec says which numbers a feed has.
type codec uint8

const (
	vp   codec = iota // picture ids, as VP8 and VP9
	av1               // frame numbers, another for every packet
	h264              // none
)

type arrival struct {
	origin int
	p      Packet
	key    bool // first packet of a key frame
	at     time.Time
	codec  codec
}

func (f *feed) frame(packets int, key bool, at time.Time) []arrival {
	f.ts += 3000
	f.picture = (f.picture + 1) & 0x7fff
	f.tl0++
	var out []arrival
	for i := range packets {
		p := Packet{Seq: f.seq, TS: f.ts}
		switch f.codec {
		case vp:
			p.Picture, p.TL0 = f.picture, f.tl0
		case av1:
			p.Frame = f.frames
			f.frames++
		}
		out = append(out, arrival{f.id, p, key && i == 0, at, f.codec})
		f.seq++
	}
	return out
}

type sentPacket struct {
	index uint64
	m     Mapped
	a     arrival
}

type piece struct {
	first uint64 // its first outgoing index
	step  int    // when it began
}

type incoming struct {
	origin int
	seq    uint16
}

// model runs a Stream and remembers what it did.
type model struct {
	t       *rapid.T
	s       *Stream[int]
	target  int
	step    int
	highest uint64
	sent    []sentPacket
	pieces  []piece
	given   map[uint64]bool
	seen    map[incoming]int  // step of the first arrival
	went    map[incoming]bool // sent, maybe in another segment than the one it would have fitted first
}

func (m *model) deliver(a arrival) {
	m.step++
	in := incoming{a.origin, a.p.Seq}
	if _, ok := m.seen[in]; !ok {
		m.seen[in] = m.step
	}
	p := a.p
	p.Start = a.key && a.origin == m.target
	was, running := m.s.Running()
	begins := p.Start && (!running || was != a.origin)
	out, verdict := m.s.Map(a.origin, &p, 100, a.at)
	if verdict != Forward {
		if begins {
			m.t.Fatalf("a packet that may start a segment got verdict %d", verdict)
		}
		return
	}
	index := m.highest + uint64(int64(int16(out.Seq-uint16(m.highest))))
	if m.given[index] {
		m.t.Fatalf("sequence number %d given out twice", out.Seq)
	}
	m.given[index] = true
	m.went[in] = true
	if begins {
		if index != m.highest+1 {
			m.t.Fatalf("a segment begins %d after the last", index-m.highest)
		}
		m.pieces = append(m.pieces, piece{index, m.step})
	}
	m.highest = max(m.highest, index)
	m.sent = append(m.sent, sentPacket{index, out, a})
	place, ok := m.s.Locate(out.Seq)
	if !ok || place.Origin != a.origin || place.Seq != a.p.Seq || place.Map(&a.p) != out {
		m.t.Fatalf("Locate(%d) = %+v, %v, want origin %d seq %d", out.Seq, place, ok, a.origin, a.p.Seq)
	}
}

// piece returns the number of the piece that the index belongs to.
func (m *model) piece(index uint64) int {
	n := 0
	for n+1 < len(m.pieces) && m.pieces[n+1].first <= index {
		n++
	}
	return n
}

// hole checks that the index, which was not sent, is a packet that did not arrive, or arrived before its segment began.
func (m *model) hole(index uint64) {
	n := m.piece(index)
	if len(m.pieces)-n > segments {
		return // forgotten
	}
	place, ok := m.s.Locate(uint16(index))
	if !ok {
		m.t.Fatalf("nobody knows what %d is", index)
	}
	if step, ok := m.seen[incoming{place.Origin, place.Seq}]; ok && step > m.pieces[n].step && !m.went[incoming{place.Origin, place.Seq}] {
		m.t.Fatalf("origin %d seq %d arrived and was not sent as %d", place.Origin, place.Seq, index)
	}
}

// follows checks the numbers of b, the next packet sent after a in outgoing order.
func (m *model) follows(a, b sentPacket) {
	for i := a.index + 1; i < b.index; i++ {
		m.hole(i)
	}
	if int32(b.m.TS-a.m.TS) < 0 {
		m.t.Fatalf("timestamp goes back from %d to %d", a.m.TS, b.m.TS)
	}
	if m.piece(a.index) != m.piece(b.index) {
		if b.m.TS == a.m.TS || b.m.Picture != (a.m.Picture+1)&0x7fff || b.m.TL0 != a.m.TL0+1 || b.m.Frame != a.m.Frame+1 {
			m.t.Fatalf("a segment begins with %+v after %+v", b.m, a.m)
		}
		return
	}
	if a.a.origin != b.a.origin {
		m.t.Fatalf("one segment holds origins %d and %d", a.a.origin, b.a.origin)
	}
	got := Mapped{b.m.Seq - a.m.Seq, b.m.TS - a.m.TS, (b.m.Picture - a.m.Picture) & 0x7fff, b.m.TL0 - a.m.TL0, b.m.Frame - a.m.Frame}
	want := Mapped{b.a.p.Seq - a.a.p.Seq, b.a.p.TS - a.a.p.TS, (b.a.p.Picture - a.a.p.Picture) & 0x7fff, b.a.p.TL0 - a.a.p.TL0, b.a.p.Frame - a.a.p.Frame}
	if got != want {
		m.t.Fatalf("steps are %+v, came in as %+v", got, want)
	}
}

// frames checks what receivers of AV1 insist on: frame numbers go up, also over segments of other codecs.
func (m *model) frames() {
	last, any := uint16(0), false
	for _, s := range m.sent {
		if s.a.codec != av1 {
			continue
		}
		if any && int16(s.m.Frame-last) <= 0 {
			m.t.Fatalf("frame number %d after %d", s.m.Frame, last)
		}
		last, any = s.m.Frame, true
	}
}

// TestContinuity forwards from several streams that lose, repeat and reorder packets, switches between them at random,
// stops and goes on, and checks everything that the package comment promises.
func TestContinuity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(1e12)
		feeds := make([]*feed, 3)
		for i := range feeds {
			feeds[i] = &feed{
				id: i, seq: rapid.Uint16().Draw(t, "seq"), ts: rapid.Uint32().Draw(t, "ts"),
				picture: rapid.Uint16Max(0x7fff).Draw(t, "picture"), tl0: rapid.Uint8().Draw(t, "tl0"),
				frames: rapid.Uint16().Draw(t, "frame number"), codec: codec(rapid.IntRange(0, 2).Draw(t, "codec")),
			}
		}
		first := rapid.Uint16().Draw(t, "first")
		m := &model{
			t: t, s: New[int](90000, first), highest: uint64(1<<16) + uint64(first) - 1,
			given: map[uint64]bool{}, seen: map[incoming]int{}, went: map[incoming]bool{},
		}
		var queue []arrival
		for range rapid.IntRange(5, 60).Draw(t, "frames") {
			now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				m.target = rapid.IntRange(0, 2).Draw(t, "target")
			case 1:
				m.s.Stop()
			}
			for _, f := range feeds {
				key := rapid.IntRange(0, 3).Draw(t, "key") == 0
				for _, a := range f.frame(rapid.IntRange(1, 4).Draw(t, "packets"), key, now) {
					switch rapid.IntRange(0, 9).Draw(t, "fate") {
					case 0: // lost
					case 1: // late
						queue = append(queue, a)
					case 2: // twice
						m.deliver(a)
						m.deliver(a)
					default:
						m.deliver(a)
					}
				}
			}
			for len(queue) > 0 && rapid.Bool().Draw(t, "release") {
				queue[0].at = now
				m.deliver(queue[0])
				queue = queue[1:]
			}
		}
		slices.SortFunc(m.sent, func(a, b sentPacket) int { return cmp.Compare(a.index, b.index) })
		for i := 1; i < len(m.sent); i++ {
			m.follows(m.sent[i-1], m.sent[i])
		}
		m.frames()
		if packets, octets := m.s.Counts(); int(packets) != len(m.sent) || int(octets) != 100*len(m.sent) {
			t.Fatalf("counted %d packets, %d octets of %d packets", packets, octets, len(m.sent))
		}
	})
}
