package conference

import (
	"maps"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu"
	"github.com/atoll-mesh/atoll/signaling/bridge"
)

// defaultHeight is what a client that names no default gets of each source.
const defaultHeight = 180

// wants is what a receiver has asked for so far: each message says only what changed.
type wants struct {
	lastN    *int
	selected []room.SourceName
	onStage  []room.SourceName
	fallback *int
	heights  map[room.SourceName]int
}

// merge takes over what m sets.
func (w *wants) merge(m bridge.ReceiverVideoConstraints) {
	if m.LastN != nil {
		w.lastN = m.LastN
	}
	if m.SelectedSources != nil {
		w.selected = m.SelectedSources
	}
	if m.OnStageSources != nil {
		w.onStage = m.OnStageSources
	}
	if m.DefaultConstraints != nil {
		w.fallback = &m.DefaultConstraints.MaxHeight
	}
	if m.Constraints != nil {
		w.heights = make(map[room.SourceName]int, len(m.Constraints))
		for name, c := range m.Constraints {
			w.heights[name] = c.MaxHeight
		}
	}
}

// constraints returns the whole state. Raw is the same as one message, so that it can travel with the participant.
func (w *wants) constraints() sfu.Constraints {
	c := sfu.Constraints{LastN: bridge.Unlimited, OnStage: w.onStage, Selected: w.selected, Default: defaultHeight, Heights: maps.Clone(w.heights)}
	if w.lastN != nil {
		c.LastN = *w.lastN
	}
	if w.fallback != nil {
		c.Default = *w.fallback
	}
	all := bridge.ReceiverVideoConstraints{
		LastN: &c.LastN, SelectedSources: w.selected, OnStageSources: w.onStage,
		DefaultConstraints: &bridge.Constraint{MaxHeight: c.Default, MaxFrameRate: bridge.Unlimited},
		Constraints:        make(map[room.SourceName]bridge.Constraint, len(w.heights)),
	}
	for name, h := range w.heights {
		all.Constraints[name] = bridge.Constraint{MaxHeight: h, MaxFrameRate: bridge.Unlimited}
	}
	c.Raw = bridge.Encode(all)
	return c
}

// videoType translates what a client says that its source shows.
func videoType(t bridge.VideoType) (shows room.VideoType, muted bool) {
	switch t {
	case bridge.Desktop, bridge.DesktopHighFPS:
		return room.Desktop, false
	case bridge.None:
		return room.Camera, true
	default:
		return room.Camera, false
	}
}
