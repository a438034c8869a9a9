package focus

import (
	"slices"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// announced are the sources of a participant, in the order they came. Neither the slice nor its sources are ever changed:
// a change makes new ones.
type announced []room.Source

// add returns the sources with more of them, or why that may not be.
func (a announced) add(more []room.Source, l Limits) (announced, *refusal) {
	all := append(slices.Clip(slices.Clone(a)), more...)
	ssrcs := map[uint32]bool{}
	count := map[room.Kind]int{}
	for i, s := range all {
		if count[s.Name.Kind()]++; count[s.Name.Kind()] > l.Sources {
			return nil, tooMany(s.Name.Kind().String()+" sources", l.Sources)
		}
		if slices.ContainsFunc(all[:i], func(o room.Source) bool { return o.Name == s.Name }) {
			return nil, badRequest("source %s is announced already", s.Name)
		}
		for _, e := range s.Encodings {
			for _, ssrc := range []uint32{e.SSRC, e.RTX} {
				if ssrc != 0 && ssrcs[ssrc] {
					return nil, badRequest("ssrc %d is in use by this participant", ssrc)
				}
				if ssrc != 0 {
					ssrcs[ssrc] = true
				}
			}
		}
	}
	if len(ssrcs) > l.SSRCs {
		return nil, tooMany("SSRCs", l.SSRCs)
	}
	return all, nil
}

// remove returns the sources without some SSRCs, and what went: each source with the encodings that it lost. An encoding
// that only loses its retransmissions is not lost.
func (a announced) remove(ssrcs map[uint32]bool) (left announced, gone []room.Source, changed bool) {
	for _, s := range a {
		kept, lost := s, s
		kept.Encodings, lost.Encodings = nil, nil
		for _, e := range s.Encodings {
			switch {
			case ssrcs[e.SSRC]:
				lost.Encodings = append(lost.Encodings, e)
				changed = true
				continue
			case e.RTX != 0 && ssrcs[e.RTX]:
				e.RTX = 0
				changed = true
			}
			kept.Encodings = append(kept.Encodings, e)
		}
		if len(kept.Encodings) > 0 {
			left = append(left, kept)
		}
		if len(lost.Encodings) > 0 {
			gone = append(gone, lost)
		}
	}
	return left, gone, changed
}
