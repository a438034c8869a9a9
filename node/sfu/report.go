package sfu

import (
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// SourceReport is one source as operators see it.
type SourceReport struct {
	Name      room.SourceName
	VideoType room.VideoType
	Layers    []int // encodings that packets came for within the last second, 0 the lowest
	Forwarded int   // encoding that is forwarded, -1 for none
	Height    int   // of its last key frame, 0 not known
	Receivers int
	Relays    []string // nodes that pull it from here
}

// Report describes every source of the room, by name.
func (r *Room) Report(now time.Time) []SourceReport {
	out := make([]SourceReport, 0, len(r.sources))
	for _, s := range r.sources {
		rep := SourceReport{Name: s.name, VideoType: s.desc.VideoType, Layers: []int{}, Receivers: len(s.targets), Relays: []string{}}
		for _, p := range s.pulls {
			if p.relay.out == nil {
				continue
			}
			rep.Relays = append(rep.Relays, p.relay.node)
		}
		slices.Sort(rep.Relays)
		u := &s.owner.up
		u.mu.Lock()
		for _, l := range s.layers {
			if l.active(now) {
				rep.Layers = append(rep.Layers, l.index)
			}
		}
		if rep.Forwarded = s.current; s.current != none {
			rep.Height = s.layers[s.current].height
		}
		u.mu.Unlock()
		out = append(out, rep)
	}
	slices.SortFunc(out, func(a, b SourceReport) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return out
}
