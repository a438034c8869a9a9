package conference

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/route"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/sfu"
	"github.com/atoll-mesh/atoll/signaling/muc"
)

// remote is a participant that another node serves.
type remote struct {
	node     identity.Name
	occupant room.Occupant
	media    *sfu.Remote
}

// pull is a subscription of this node.
type pull struct {
	at     identity.Name
	source room.SourceName
}

func (c *Conference) appeared(now time.Time, m room.Member) {
	node, o := m.Node, m.Occupant
	switch {
	case c.byEndpoint[o.Endpoint] != nil:
		return
	case c.remotes[o.Endpoint] != nil: // it moved there from here
		c.changed(now, m)
		return
	}
	r := &remote{node: node, occupant: o}
	c.remotes[o.Endpoint] = r
	c.doors.lead(o.Endpoint, node)
	c.applyMUC(now, c.muc.Appear(now, muc.Remote{Nick: string(o.Endpoint), JID: o.JID, Joined: o.Joined, Presence: o.Presence}))
	r.media = c.sfu.JoinRemote(now, o.Endpoint, feedback{c})
	r.media.SetRTT(c.mesh.RTT(node))
	c.setSources(now, r)
	c.headcount(now)
}

func (c *Conference) changed(now time.Time, m room.Member) {
	node, o := m.Node, m.Occupant
	r := c.remotes[o.Endpoint]
	if r == nil {
		c.appeared(now, m)
		return
	}
	moved := r.node != node
	r.node, r.occupant = node, o
	c.doors.lead(o.Endpoint, node)
	c.applyMUC(now, c.muc.Change(now, muc.Remote{Nick: string(o.Endpoint), JID: o.JID, Joined: o.Joined, Presence: o.Presence}))
	c.setSources(now, r)
	if moved { // the numbers of its sources go on; who gets them from the old node does so until the new one sends
		r.media.SetRTT(c.mesh.RTT(node))
		for source, height := range c.wanted {
			if source.Endpoint() == o.Endpoint {
				c.applyPulls(c.pulls.Want(now, source, node, height))
			}
		}
		c.reroute(now)
	}
}

func (c *Conference) setSources(now time.Time, r *remote) {
	c.applySFU(now, c.sfu.SetSources(now, r.occupant.Endpoint, r.occupant.Sources))
	for _, s := range r.occupant.Sources {
		if s.Name.Kind() == room.Video {
			c.applySFU(now, c.sfu.SetVideoType(now, s.Name, s.VideoType, s.Muted))
		}
	}
	over := func(source room.SourceName) bool {
		return source.Endpoint() == r.occupant.Endpoint && !slices.ContainsFunc(r.occupant.Sources, func(s room.Source) bool { return s.Name == source })
	}
	for source := range c.wanted {
		if over(source) {
			delete(c.wanted, source)
			c.applyPulls(c.pulls.Forget(source))
		}
	}
	for _, p := range c.flows { // those that were wanted a moment ago
		if over(p.source) {
			c.applyPulls(c.pulls.Forget(p.source))
		}
	}
}

func (c *Conference) vanished(now time.Time, gone room.Removal) {
	r := c.remotes[gone.Endpoint]
	if r == nil {
		return
	}
	delete(c.remotes, gone.Endpoint)
	c.doors.lead(gone.Endpoint, "")
	r.occupant.Sources = nil
	c.setSources(now, r)
	c.applySFU(now, c.sfu.Leave(now, gone.Endpoint))
	c.applyMUC(now, c.muc.Vanish(now, gone))
	c.headcount(now)
}

// want says how much of a source of another node is wanted here; 0 is nothing.
func (c *Conference) want(now time.Time, source room.SourceName, height int) {
	r := c.remotes[source.Endpoint()]
	if r == nil {
		return
	}
	if height == 0 {
		delete(c.wanted, source)
	} else {
		c.wanted[source] = height
	}
	c.applyPulls(c.pulls.Want(now, source, r.node, height))
}

// reroute asks for what is wanted where it can be had now.
func (c *Conference) reroute(now time.Time) {
	c.applyPulls(c.pulls.Reroute(now, func(origin identity.Name) (identity.Name, bool) {
		return c.mesh.Via(origin, func(n identity.Name) bool { return slices.Contains(c.others, n) })
	}))
	ends, changes := c.serving.Recheck(c.pulls.Relayed)
	for _, e := range ends {
		if f, ok := e.Frame.(wire.Subscribed); ok {
			c.unserve(e.To, f.Sub)
		}
		c.mesh.Send(e.To, e.Frame)
	}
	c.applyServing(now, changes)
}

// applyPulls sends what the pulls want to be sent, and opens and closes the ways in.
func (c *Conference) applyPulls(sends []route.Send) {
	for _, s := range sends {
		switch f := s.Frame.(type) {
		case wire.Subscribe:
			if r := c.remotes[f.Source.Endpoint()]; r != nil {
				c.flows[f.Sub] = pull{s.To, f.Source}
				c.upstream.LoadOrStore(f.Source, upstream{s.To, f.Sub})
				c.mesh.Receive(s.To, f.Sub, &inlet{c: c, media: r.media, sub: f.Sub, source: f.Source})
				if c.carried != nil && r.node == s.To { // it goes there with its participant
					*c.carried = append(*c.carried, wire.Pull{Sub: f.Sub, Source: f.Source, Height: f.Height})
					continue
				}
			}
		case wire.Unsubscribe:
			c.endFlow(f.Sub)
		}
		c.mesh.Send(s.To, s.Frame)
	}
}

// dropPulls forgets the subscriptions at some nodes, without telling them.
func (c *Conference) dropPulls(at func(identity.Name) bool) {
	for sub, p := range c.flows {
		if at(p.at) {
			c.endFlow(sub)
		}
	}
}

func (c *Conference) endFlow(sub uint32) {
	p, ok := c.flows[sub]
	if !ok {
		return
	}
	delete(c.flows, sub)
	c.mesh.Ignore(p.at, sub)
	if !c.upstream.CompareAndDelete(p.source, upstream{p.at, sub}) {
		return
	}
	for other, q := range c.flows { // the one that was to be replaced stays
		if q.source == p.source {
			c.upstream.Store(p.source, upstream{q.at, other})
		}
	}
}

// arrived notes that a subscription brings packets: from now on feedback goes there.
func (c *Conference) arrived(sub uint32) {
	if p, ok := c.flows[sub]; ok {
		c.upstream.Store(p.source, upstream{p.at, sub})
	}
	c.applyPulls(c.pulls.Arrived(sub))
}

// upstream is where feedback about a source goes.
type upstream struct {
	node identity.Name
	sub  uint32
}

// feedback takes what the sfu asks of sources of other nodes. It is called from any goroutine.
type feedback struct{ c *Conference }

func (f feedback) Feedback(source room.SourceName, encoding int, compound []byte) {
	if v, ok := f.c.upstream.Load(source); ok {
		u, _ := v.(upstream)
		f.c.mesh.SendFeedback(u.node, u.sub, encoding, compound)
	}
}

// inlet is where the packets of one subscription come in. It is called from a link's goroutine.
type inlet struct {
	c       *Conference
	media   *sfu.Remote
	sub     uint32
	source  room.SourceName
	arrived atomic.Bool
}

func (i *inlet) Packet(encoding int, packet []byte, arrived time.Time) {
	if len(packet) < 2 {
		return
	}
	if 192 <= packet[1] && packet[1] <= 223 { // RFC 5761 4
		i.media.RTCP(i.source, encoding, packet, arrived)
		return
	}
	if !i.arrived.Load() && i.arrived.CompareAndSwap(false, true) {
		i.c.mail.add(func(c *Conference, _ time.Time) { c.arrived(i.sub) })
	}
	i.media.RTP(i.source, encoding, packet, arrived)
}
