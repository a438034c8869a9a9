package conference

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/node/mesh"
	"github.com/atoll-mesh/atoll/signaling/bridge"
)

// topologyEvery is how often those who asked are told where everybody is.
const topologyEvery = 2 * time.Second

// showTopology tells those who asked for it and whose time has come.
func (c *Conference) showTopology(now time.Time) {
	var m []byte
	for _, p := range c.byEndpoint {
		if p.topologyAt.IsZero() || now.Before(p.topologyAt) {
			continue
		}
		if p.channel == nil {
			p.topologyAt = time.Time{}
			continue
		}
		if m == nil {
			m = bridge.Encode(c.topology())
		}
		p.topologyAt = now.Add(topologyEvery)
		p.channel.SendEncoded(m)
	}
}

// topology is where the people of the room are and which way their media takes to this node. It speaks of nobody else.
func (c *Conference) topology() bridge.Topology {
	nodes := append([]identity.Name{c.self}, c.others...)
	t := bridge.Topology{
		Self: string(c.self), Nodes: []bridge.TopologyNode{}, Links: []bridge.TopologyLink{},
		Participants: []bridge.TopologyParticipant{}, Sources: []bridge.TopologySource{},
	}
	view := c.mesh.View()
	for _, n := range nodes {
		one := bridge.TopologyNode{Name: string(n), Region: view.Regions[n], State: "dead"}
		if n == c.self || slices.Contains(view.Reachable, n) {
			one.State = "alive"
		}
		if n == c.self {
			one.Region = c.rooms.cfg.Region
		}
		t.Nodes = append(t.Nodes, one)
	}
	for _, l := range view.Links {
		if slices.Contains(nodes, l.From) && slices.Contains(nodes, l.To) {
			t.Links = append(t.Links, bridge.TopologyLink{
				From: string(l.From), To: string(l.To), Up: l.Up,
				RTTms: float64(l.RTT) / float64(time.Millisecond), Loss: float64(l.Loss) / 1000,
			})
		}
	}
	for _, p := range c.byEndpoint {
		t.Participants = append(t.Participants, bridge.TopologyParticipant{Endpoint: p.endpoint, Node: string(c.self)})
		for _, s := range p.sources {
			t.Sources = append(t.Sources, bridge.TopologySource{Name: s.Name, Path: []string{string(c.self)}})
		}
	}
	paths := make(map[string][]string)
	for _, u := range c.pulls.Upstreams() {
		for _, n := range u.Path {
			paths[string(u.Source)] = append(paths[string(u.Source)], string(n))
		}
	}
	for _, r := range c.remotes {
		t.Participants = append(t.Participants, bridge.TopologyParticipant{Endpoint: r.occupant.Endpoint, Node: string(r.node)})
		for _, s := range r.occupant.Sources {
			path := paths[string(s.Name)]
			if path == nil {
				path = []string{}
			}
			t.Sources = append(t.Sources, bridge.TopologySource{Name: s.Name, Path: path})
		}
	}
	return t
}

// View implements Mesh.
func (*alone) View() mesh.View { return mesh.View{} }
