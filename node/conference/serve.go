package conference

import (
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/route"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/sfu"
)

// relay is another node that sources are sent to.
type relay struct {
	c     *Conference
	node  identity.Name
	media *sfu.Relay
	subs  sync.Map // source to the number of the node's subscription
	mine  map[uint32]room.SourceName
}

// Send implements sfu.RelayEgress.
func (r *relay) Send(source room.SourceName, encoding int, class sfu.Class, packet []byte) {
	if v, ok := r.subs.Load(source); ok {
		sub, _ := v.(uint32)
		r.c.mesh.SendMedia(r.node, sub, encoding, link.Class(class), packet)
	}
}

// outlet takes the feedback about one subscription of another node.
type outlet struct {
	relay  *relay
	source room.SourceName
}

func (o outlet) Packet(encoding int, packet []byte, arrived time.Time) {
	o.relay.media.Feedback(o.source, encoding, packet, arrived)
}

// subscribe answers a node that wants a source.
func (c *Conference) subscribe(now time.Time, from identity.Name, f wire.Subscribe) error {
	answer, changes, err := c.serving.Subscribe(from, f, c.origin, c.mesh.Direct)
	if err == nil && answer.Code == wire.CodeOK {
		r := c.relays[from]
		if r == nil {
			r = &relay{c: c, node: from, mine: make(map[uint32]room.SourceName)}
			c.relays[from] = r
			r.media = c.sfu.JoinRelay(now, string(from), r)
		}
		r.media.SetRTT(c.mesh.RTT(from))
		r.mine[f.Sub] = f.Source
		c.mesh.Serve(from, f.Sub, outlet{r, f.Source})
	}
	c.mesh.Send(from, answer)
	c.applyServing(now, changes)
	return err
}

// origin returns at which node a source begins.
func (c *Conference) origin(s room.SourceName) (identity.Name, bool) {
	if c.byEndpoint[s.Endpoint()] != nil {
		return c.self, true
	}
	if r := c.remotes[s.Endpoint()]; r != nil {
		return r.node, true
	}
	return "", false
}

func (c *Conference) unsubscribe(now time.Time, from identity.Name, f wire.Unsubscribe) {
	c.unserve(from, f.Sub)
	c.applyServing(now, c.serving.Unsubscribe(from, f))
}

// unserve ends what belongs to a subscription of another node but the packets.
func (c *Conference) unserve(node identity.Name, sub uint32) {
	r := c.relays[node]
	if r == nil {
		return
	}
	if _, ok := r.mine[sub]; ok {
		delete(r.mine, sub)
		c.mesh.Refuse(node, sub)
	}
}

func (c *Conference) applyServing(now time.Time, changes []route.Pull) {
	for _, p := range changes {
		r := c.relays[p.Node]
		if r == nil {
			continue
		}
		if p.Height > 0 {
			r.subs.Store(p.Source, p.Sub)
		} else {
			r.subs.Delete(p.Source)
		}
		c.applySFU(now, c.sfu.Pull(now, string(p.Node), p.Source, p.Height))
	}
}

func (c *Conference) dropRelay(now time.Time, node identity.Name) {
	r := c.relays[node]
	if r == nil {
		return
	}
	delete(c.relays, node)
	for sub := range r.mine {
		c.mesh.Refuse(node, sub)
	}
	c.applySFU(now, c.sfu.LeaveRelay(now, string(node)))
}

// measureEvery is how often the round trips to other nodes are read.
const measureEvery = 2 * time.Second

// measure tells the media of other nodes how long a question takes.
func (c *Conference) measure(now time.Time) {
	if now.Sub(c.measured) < measureEvery {
		return
	}
	c.measured = now
	for _, r := range c.remotes {
		r.media.SetRTT(c.mesh.RTT(r.node))
	}
	for _, r := range c.relays {
		r.media.SetRTT(c.mesh.RTT(r.node))
	}
}
