package sfu

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/prefetch"
	"github.com/atoll-mesh/atoll/node/sfu/allocate"
	"github.com/atoll-mesh/atoll/node/sfu/cache"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
	"github.com/atoll-mesh/atoll/node/sfu/reception"
	"github.com/atoll-mesh/atoll/node/sfu/rewrite"
)

const (
	active  = time.Second            // an encoding without packets for so long is not active
	silent  = 500 * time.Millisecond // the current encoding without packets for so long, while
	alive   = 250 * time.Millisecond // a lower one sent within this, is left
	latest  = time.Second            // late packets of the encoding before a switch are forwarded for so long
	idle    = 5 * time.Second        // an encoding without packets for so long gives its cache back
	none    = -1
	newborn = 3 * time.Second // a new source that nobody wants is not told so before
)

// target is one place that a source's packets go to.
type target struct {
	down *downlink
	slot *slot
	// What warm tells the processor of.
	stream *rewrite.Stream[origin]
	way    Egress
}

// warm says that a packet will go there in a moment.
func (t *target) warm() {
	prefetch.Lines(unsafe.Pointer(t.down), linesOf(unsafe.Sizeof(*t.down)))
	prefetch.Lines(unsafe.Pointer(t.slot), linesOf(unsafe.Sizeof(*t.slot)))
	prefetch.Lines(unsafe.Pointer(t.stream), linesOf(unsafe.Sizeof(*t.stream)))
	if t.way != nil {
		t.way.Warm()
	}
}

func linesOf(size uintptr) int { return int(size+63) / 64 }

// table is where the packets of a source go. It never changes.
type table struct {
	targets []target
	pulls   []*pull
}

// empty reports whether nobody gets the packets.
func (t *table) empty() bool { return len(t.targets)+len(t.pulls) == 0 }

// source is one microphone, camera or screen in the room.
type source struct {
	name   room.SourceName
	kind   room.Kind
	owner  *Participant
	layers []*layer
	table  atomic.Pointer[table]

	// Guarded by owner.up.mu.
	wanted   int // height
	desktop  bool
	target   int // encoding to be forwarded
	current  int // encoding that is forwarded
	since    time.Time
	previous int // encoding that was forwarded before, and its highest sequence number then
	until    uint16
	switched time.Time
	expected int // participants who are on their way here and get it

	// The rest belongs to the control side.
	desc      room.Source
	muted     bool
	born      time.Time
	want      int // height that anybody wants
	told      int // height that the owner was told
	voice     time.Time
	targets   []*slot
	pulls     []*pull
	listeners int  // slots that are turned on
	heard     bool // told, of audio of a Remote: somebody listens
	published bool
	kept      int // the first of targets that the table has in the same places
}

// layer is one encoding of a source.
type layer struct {
	source    *source
	index     int
	ssrc, rtx uint32

	// Guarded by the owner's up.mu.
	run     uint32 // counts restarts: of the sequence, and with another codec
	codec   Codec  // of the last packet, 0 before the first
	ended   bool   // the last packet of a frame came, and its sequence number
	end     uint16
	stats   *reception.Stream
	missing reception.Missing
	last    time.Time // of the last packet
	height  int
	asked   time.Time // last request for a key frame
	pending bool      // a receiver asked and no key frame came since
	// extended is what the other nodes are told of stats.Highest, 40 bits, of a participant that this node serves.
	extended uint64
	top      uint8     // highest temporal layer since the last key frame
	passed   time.Time // last sender report passed on to other nodes

	mu     sync.Mutex
	ring   *cache.Ring
	inRing uint32 // run whose packets the ring holds
	placed uint64 // extended when the last packet was put into it
	report senderReport
}

// senderReport maps RTP timestamps of a layer to our clock.
type senderReport struct {
	at    time.Time
	rtp   uint32
	valid bool
}

// origin identifies one sequence number space: a layer until its sender starts anew.
type origin struct {
	layer *layer
	run   uint32
}

func newSource(owner *Participant, desc room.Source, now time.Time) *source {
	s := &source{
		name: desc.Name, kind: desc.Name.Kind(), owner: owner, desc: desc, born: now,
		target: none, current: none, previous: none, told: none, desktop: desc.VideoType == room.Desktop,
	}
	for i, e := range desc.Encodings {
		s.layers = append(s.layers, &layer{
			source: s, index: i, ssrc: e.SSRC, rtx: e.RTX,
			stats: reception.NewStream(clockRate(s.kind)), ring: cache.New(cache.Video),
		})
	}
	s.table.Store(&table{})
	return s
}

// mostEncodings bounds the encodings of a source.
const mostEncodings = 8

// encodings describes the layers to the allocator.
func (s *source) encodings(room *[mostEncodings]allocate.Encoding, now time.Time) []allocate.Encoding {
	list := room[:len(s.layers)]
	for i, l := range s.layers {
		list[i] = allocate.Encoding{Height: l.height, Active: l.active(now)}
	}
	if s.current != none && now.Sub(s.layers[s.current].last) > silent {
		for _, l := range s.layers[:s.current] {
			if now.Sub(l.last) <= alive {
				list[s.current].Active = false
			}
		}
	}
	return list
}

func (l *layer) active(now time.Time) bool { return !l.last.IsZero() && now.Sub(l.last) < active }

// ceiling returns the highest encoding that anybody wants.
func (s *source) ceiling(encodings []allocate.Encoding) int {
	height := s.wanted
	if s.desktop {
		height = allocate.Unlimited // senders of a screen choose one encoding themselves
	}
	return allocate.Ceiling(encodings, height)
}

// retarget chooses the encoding to forward.
func (s *source) retarget(now time.Time) {
	if s.kind == room.Audio || len(s.layers) == 0 {
		return
	}
	if s.owner.away() {
		s.trail(now)
		return
	}
	var buffer [mostEncodings]allocate.Encoding
	e := s.encodings(&buffer, now)
	if t := allocate.Layer(e, s.ceiling(e)); t != none && t != s.target {
		s.target, s.since = t, now
	}
}

// keyframe switches to l, whose key frame begins, when it is a good one to forward.
func (s *source) keyframe(l *layer, now time.Time) {
	k := l.index
	if k == s.current {
		return
	}
	if k != s.target {
		var buffer [mostEncodings]allocate.Encoding
		if k > s.ceiling(s.encodings(&buffer, now)) || k < s.current {
			return
		}
	}
	s.change(k, now)
	s.overtake(l)
	if s.target < k {
		s.target, s.since = k, now
	}
}

// change makes k the encoding that is forwarded.
func (s *source) change(k int, now time.Time) {
	s.previous, s.current, s.switched = s.current, k, now
	if s.previous != none {
		s.until = s.layers[s.previous].stats.Highest()
	}
}

// forwards reports whether the packet seq of l is forwarded, and whether it belongs to the current encoding.
func (s *source) forwards(l *layer, seq uint16, now time.Time) (yes, live bool) {
	if s.kind == room.Audio || l.index == s.current {
		return true, true
	}
	late := l.index == s.previous && int16(seq-s.until) <= 0 && now.Sub(s.switched) < latest
	return late, false
}

// caches reports whether the packets of l are kept for retransmission.
func (s *source) caches(l *layer) bool {
	if s.kind == room.Audio {
		return s.expected > 0
	}
	return l.index == s.current || l.index == s.target || s.current == none
}

// begins reports whether the packet with the header h is the first of a key frame.
func (l *layer) begins(h *packet.Header, p *picture) bool {
	first := !p.Slice || l.ended && h.Seq == l.end+1
	if h.Marker {
		l.end, l.ended = h.Seq, true
	}
	return p.Keyframe && first
}

// speaks reports whether a packet of the codec goes on with l. Senders change their codec as they like; the new one begins
// with a key frame. What comes of it before that, or of the old one late, is of no use to anybody.
func (l *layer) speaks(c Codec, seq uint16, key bool) bool {
	switch {
	case c == l.codec:
		return true
	case l.codec == 0:
	case key:
		l.restart()
	default:
		l.pending = l.pending || seq == l.stats.Highest()
		return false
	}
	l.codec = c
	return true
}

// restart makes room for a stream that begins anew.
func (l *layer) restart() {
	l.run++
	l.missing.Forget()
	if l.source.previous == l.index {
		l.source.previous = none
	}
}

// inside is set in the note of a packet in a cache that has the mark in its bytes.
const inside = 1 << 63

// put keeps a packet for retransmission.
func (l *layer) put(seq uint16, b []byte, m packet.Mark, marked bool, now time.Time) {
	note := uint64(m)
	if marked {
		note |= inside
	}
	l.mu.Lock()
	if l.inRing != l.run {
		l.ring.Reset()
		l.inRing = l.run
	}
	l.ring.Put(seq, b, note, now)
	l.placed = l.extended
	l.mu.Unlock()
}

// release gives the cache's memory back.
func (l *layer) release() {
	l.mu.Lock()
	l.ring.Reset()
	l.mu.Unlock()
}

// add makes t a receiver of s at the next publish.
func (s *source) add(t *slot) {
	s.targets = append(s.targets, t)
	s.published = false
}

// remove takes the slot out of the receivers of s at the next publish.
func (s *source) remove(sl *slot) {
	if i := slices.Index(s.targets, sl); i >= 0 {
		s.targets = slices.Delete(s.targets, i, i+1)
		s.published = false
		s.kept = min(s.kept, i)
	}
}

// publish makes the receivers of s what the packet side sees. Who was added only stands behind the others in the same memory: while
// many join, every source gets one more with each of them, and tables made anew would be a quarter of what they leave to collect.
func (s *source) publish() {
	if s.published {
		return
	}
	list := s.table.Load().targets
	if s.kept < len(list) {
		list = nil // who reads the table that was goes on with it
		s.kept = 0
	}
	if n := len(s.targets); n > cap(list) {
		list = append(make([]target, 0, n+n/8), list...)
	}
	for _, to := range s.targets[s.kept:] {
		list = append(list, target{down: to.down, slot: to, stream: to.stream, way: to.down.p.out})
	}
	s.table.Store(&table{list, slices.Clone(s.pulls)})
	s.published, s.kept = true, len(list)
}
