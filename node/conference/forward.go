package conference

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/sfu"
	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/signaling/focus"
)

// applySFU tells the participants what the sfu decided and then lets media flow to what they were told of.
func (c *Conference) applySFU(now time.Time, effects []sfu.Effect) {
	if len(effects) == 0 {
		return
	}
	signals := make(map[room.EndpointID]*signal)
	for _, e := range effects {
		switch e := e.(type) {
		case sfu.VideoMap:
			c.tell(e.To, videoMap(e))
		case sfu.AudioMap:
			c.tell(e.To, audioMap(e))
		case sfu.Forwarded:
			c.tell(e.To, bridge.ForwardedSources{Sources: e.Sources})
		case sfu.SenderConstraints:
			c.want(now, e.Source, e.MaxHeight)
			c.tell(e.Source.Endpoint(), bridge.SenderSourceConstraints{SourceName: e.Source, MaxHeight: e.MaxHeight})
		case sfu.AudioWanted:
			height := 0
			if e.On {
				height = 1
			}
			c.want(now, e.Source, height)
		case sfu.Dominant:
			c.dominant(e)
			c.tellOthers(nil, bridge.DominantSpeakerEndpointChangeEvent{Dominant: e.Endpoint, Previous: e.Previous})
		case sfu.Announce:
			s := collect(signals, e.To)
			s.added = append(s.added, signalled(e.Source, e.SSRC, e.RTX))
		case sfu.Withdraw:
			s := collect(signals, e.To)
			s.removed = append(s.removed, signalled(e.Source, e.SSRC, e.RTX))
		}
	}
	for to, s := range signals {
		if p := c.byEndpoint[to]; p != nil {
			c.applyFocus(now, p, p.focus.Signal(now, s.added, s.removed))
		}
	}
	c.sfu.Open(now)
}

// signal is what one participant in plain signalling mode is told at once.
type signal struct{ added, removed []focus.SignalledSource }

func collect(signals map[room.EndpointID]*signal, to room.EndpointID) *signal {
	s := signals[to]
	if s == nil {
		s = &signal{}
		signals[to] = s
	}
	return s
}

func signalled(s room.Source, ssrc, rtx uint32) focus.SignalledSource {
	return focus.SignalledSource{Owner: s.Name.Endpoint(), Source: s.Name, VideoType: s.VideoType, MSID: s.MSID, SSRC: ssrc, RTX: rtx}
}

func videoMap(e sfu.VideoMap) bridge.VideoSourcesMap {
	var m bridge.VideoSourcesMap
	for _, x := range e.Mapped {
		m.Sources = append(m.Sources, bridge.VideoMapping{Source: x.Source, Owner: x.Owner, SSRC: x.SSRC, RTX: x.RTX, VideoType: x.VideoType})
	}
	return m
}

func audioMap(e sfu.AudioMap) bridge.AudioSourcesMap {
	var m bridge.AudioSourcesMap
	for _, x := range e.Mapped {
		m.Sources = append(m.Sources, bridge.AudioMapping{Source: x.Source, Owner: x.Owner, SSRC: x.SSRC})
	}
	return m
}

// dominant makes what this node hears the room's word, when it is the sequencer.
func (c *Conference) dominant(e sfu.Dominant) {
	if c.replica.Sequencer() != c.self {
		return
	}
	for _, node := range c.others {
		c.mesh.Send(node, wire.Dominant{Room: c.jid, Endpoint: e.Endpoint, Previous: e.Previous})
	}
}
