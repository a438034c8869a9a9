package sfu

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Status is how a source stands, for operators.
type Status struct {
	Source    room.SourceName
	Encodings int
	Forwarded int // index of the encoding that is forwarded, -1 none
	Height    int // of it, 0 not known
	Active    int // encodings that send
	Wanted    int // greatest height that anybody wants
	Receivers int
}

// Sources returns how every source stands, in order of joining.
func (r *Room) Sources(now time.Time) []Status {
	var list []Status
	for _, p := range r.list {
		for _, s := range p.sources {
			st := Status{Source: s.name, Encodings: len(s.layers), Forwarded: none, Wanted: s.want, Receivers: len(s.targets)}
			p.up.mu.Lock()
			for _, l := range s.layers {
				if l.active(now) {
					st.Active++
				}
			}
			switch {
			case s.kind == room.Audio:
				st.Forwarded = 0
			case s.current != none:
				st.Forwarded, st.Height = s.current, s.layers[s.current].height
			}
			p.up.mu.Unlock()
			list = append(list, st)
		}
	}
	return list
}
