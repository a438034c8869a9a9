package trace

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pion/rtp"
)

// tag is how much longer SRTP makes a packet that is sealed with AES-GCM (RFC 7714).
const tag = 16

// Recorder makes a trace of sealed packets: of them only headers, lengths and times are looked at.
type Recorder struct {
	PayloadType uint8
	// Structure is the id of the header extension that is long in key frames alone (dependency descriptor), 0 for none. Without it
	// a frame counts as a key frame that is much larger than most of its encoding.
	Structure uint8

	packets []seen
}

type seen struct {
	ssrc   uint32
	seq    uint16
	ts     uint32
	marker bool
	key    bool
	at     time.Time
	size   int
}

// Take takes one packet as it was seen on the wire.
func (r *Recorder) Take(sealed []byte, at time.Time) {
	var h rtp.Header
	n, err := h.Unmarshal(sealed)
	if err != nil || h.PayloadType != r.PayloadType || len(sealed) < n+tag {
		return
	}
	const mandatory = 3 // bytes of a dependency descriptor without a structure
	r.packets = append(r.packets, seen{
		h.SSRC, h.SequenceNumber, h.Timestamp, h.Marker, r.Structure != 0 && len(h.GetExtension(r.Structure)) > 8*mandatory, at, len(sealed) - n - tag,
	})
}

// huge is how many times the size of the middle frame a key frame has at least.
const huge = 4

// Trace returns what was seen, from the first key frame of the highest encoding on. Encodings are in the order of their bytes.
func (r *Recorder) Trace() []Packet {
	bytes := map[uint32]int{}
	for _, p := range r.packets {
		bytes[p.ssrc] += p.size
	}
	var order []uint32
	for ssrc := range bytes {
		order = append(order, ssrc)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(bytes[a], bytes[b]) })
	keys := r.keys()
	var out []Packet
	var begun time.Time
	last := map[uint32]uint32{} // SSRC -> timestamp
	for _, p := range r.packets {
		encoding := slices.Index(order, p.ssrc)
		key := keys[[2]uint32{p.ssrc, p.ts}]
		if begun.IsZero() {
			if !key || encoding != len(order)-1 {
				continue
			}
			begun = p.at
		}
		ts, known := last[p.ssrc]
		start := !known || ts != p.ts
		last[p.ssrc] = p.ts
		if len(out) == 0 || known || start {
			out = append(out, Packet{At: p.at.Sub(begun), Encoding: encoding, Size: p.size, Start: start, End: p.marker, Key: key})
		}
	}
	return out
}

// keys returns which frames, by SSRC and timestamp, are key frames.
func (r *Recorder) keys() map[[2]uint32]bool {
	frames := map[[2]uint32]int{}
	keys := map[[2]uint32]bool{}
	sizes := map[uint32][]int{}
	for _, p := range r.packets {
		frames[[2]uint32{p.ssrc, p.ts}] += p.size
		if p.key {
			keys[[2]uint32{p.ssrc, p.ts}] = true
		}
	}
	if r.Structure != 0 {
		return keys
	}
	for f, size := range frames {
		sizes[f[0]] = append(sizes[f[0]], size)
	}
	for f, size := range frames {
		all := sizes[f[0]]
		slices.Sort(all)
		keys[f] = size > huge*all[len(all)/2]
	}
	return keys
}

// Seen says what was seen, for people.
func (r *Recorder) Seen() string {
	type sum struct{ packets, bytes, frames, keys int }
	sums := map[uint32]sum{}
	for _, p := range r.packets {
		s := sums[p.ssrc]
		s.packets, s.bytes = s.packets+1, s.bytes+p.size
		sums[p.ssrc] = s
	}
	for f, key := range r.keys() {
		s := sums[f[0]]
		s.frames++
		if key {
			s.keys++
		}
		sums[f[0]] = s
	}
	return fmt.Sprintf("%+v", sums)
}
