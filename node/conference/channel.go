package conference

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu"
	"github.com/atoll-mesh/atoll/signaling/bridge"
)

// Lookup returns who takes the messages of a bridge channel (bridge.Config.Lookup).
func (r *Rooms) Lookup(conference, endpoint, password string) (bridge.Handler, bool) {
	r.mu.Lock()
	c := r.byID[conference]
	r.mu.Unlock()
	if c == nil || !c.doors.admits(room.EndpointID(endpoint), password) {
		return nil, false
	}
	return &listener{c: c, endpoint: room.EndpointID(endpoint)}, true
}

// listener turns what happens on a bridge channel into letters.
type listener struct {
	c        *Conference
	endpoint room.EndpointID
}

func (l *listener) Opened(ch *bridge.Channel) {
	if !l.c.mail.put(func(c *Conference, now time.Time) {
		p := c.byEndpoint[l.endpoint]
		if p == nil || p.leg == nil && p.answered == nil {
			ch.Close(bridge.StatusGoingAway, "no session")
			return
		}
		p.channel = ch
		// A client that comes back has forgotten nothing but may have missed something.
		c.applySFU(now, slices.DeleteFunc(c.sfu.Describe(p.endpoint), func(e sfu.Effect) bool {
			d, dominant := e.(sfu.Dominant)
			if dominant { // the others know
				ch.Send(bridge.DominantSpeakerEndpointChangeEvent{Dominant: d.Endpoint, Previous: d.Previous})
			}
			return dominant
		}))
	}) {
		ch.Close(bridge.StatusTryAgainLater, "busy")
	}
}

func (l *listener) Closed(ch *bridge.Channel, _ error) {
	l.c.mail.add(func(c *Conference, _ time.Time) {
		if p := c.byEndpoint[l.endpoint]; p != nil && p.channel == ch {
			p.channel = nil
		}
	})
}

func (l *listener) Message(ch *bridge.Channel, m bridge.Message) {
	l.c.mail.put(func(c *Conference, now time.Time) {
		if p := c.byEndpoint[l.endpoint]; p != nil && p.channel == ch {
			c.bridgeMessage(now, p, m)
		}
	})
}

func (c *Conference) bridgeMessage(now time.Time, p *participant, m bridge.Message) {
	switch m := m.(type) {
	case bridge.ReceiverVideoConstraints:
		p.wants.merge(m)
		c.applySFU(now, c.sfu.SetConstraints(now, p.endpoint, p.wants.constraints()))
	case bridge.LastNChangedEvent:
		p.wants.merge(bridge.ReceiverVideoConstraints{LastN: &m.LastN})
		c.applySFU(now, c.sfu.SetConstraints(now, p.endpoint, p.wants.constraints()))
	case bridge.SourceVideoTypeMessage:
		if m.SourceName.Endpoint() == p.endpoint {
			shows, muted := videoType(m.VideoType)
			c.applySFU(now, c.sfu.SetVideoType(now, m.SourceName, shows, muted))
			c.shows(now, p, m.SourceName, shows, muted)
		}
	case bridge.TopologyRequest:
		p.topologyAt = time.Time{}
		if m.Active {
			p.topologyAt = now
			c.showTopology(now)
		}
	case bridge.EndpointStats:
		m.From = string(p.endpoint)
		c.tellOthers(p, m)
		c.note(p, "", m)
	case bridge.EndpointMessage:
		to := m.To
		m.From, m.To = string(p.endpoint), ""
		if to == "" {
			c.tellOthers(p, m)
		} else {
			m.To = to
			c.tell(room.EndpointID(to), m)
		}
		c.note(p, room.EndpointID(to), m)
	}
}

// shows tells the other nodes what a source of p shows.
func (c *Conference) shows(now time.Time, p *participant, name room.SourceName, t room.VideoType, muted bool) {
	for i := range p.sources {
		if s := &p.sources[i]; s.Name == name && (s.VideoType != t || s.Muted != muted) {
			p.sources = slices.Clone(p.sources)
			p.sources[i].VideoType, p.sources[i].Muted = t, muted
			c.publish(now, p)
			return
		}
	}
}

// tell sends m to one endpoint, when it has a channel.
func (c *Conference) tell(to room.EndpointID, m bridge.Message) {
	if p := c.byEndpoint[to]; p != nil && p.channel != nil {
		p.channel.Send(m)
	}
}

// tellOthers sends m to everybody but p, encoded once.
func (c *Conference) tellOthers(p *participant, m bridge.Message) {
	frame := bridge.Encode(m)
	for _, other := range c.byEndpoint {
		if other != p && other.channel != nil && frame != nil {
			other.channel.SendEncoded(frame)
		}
	}
}
