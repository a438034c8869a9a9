package node

import (
	"context"
	"time"

	"github.com/atoll-mesh/atoll/node/web"
)

// reportPatience bounds how long the admin API waits for rooms that are busy.
const reportPatience = 2 * time.Second

func (n *Node) roomReports() []web.Room {
	ctx, cancel := context.WithTimeout(context.Background(), reportPatience)
	defer cancel()
	rooms := []web.Room{}
	for _, r := range n.rooms.Reports(ctx) {
		out := web.Room{Name: r.Room, Nodes: r.Nodes, Sequencer: r.Sequencer, Participants: []web.Participant{}, Sources: []web.Source{}}
		for _, p := range r.Participants {
			out.Participants = append(out.Participants, web.Participant{ID: p.Endpoint, Node: p.Node})
		}
		for _, s := range r.Sources {
			one := web.Source{
				Name: string(s.Name), Kind: s.Name.Kind().String(), VideoType: string(s.VideoType), Node: s.Node, From: s.Node,
				Path: s.Path, Height: s.Want, RelayedTo: s.Relays, Layers: s.Layers,
			}
			if hops := len(s.Path); hops > 1 {
				one.Upstream, one.From = s.Path[hops-2], s.Path[hops-2]
			} else if s.Node == string(n.name) {
				one.Height = s.Height
			}
			out.Sources = append(out.Sources, one)
		}
		rooms = append(rooms, out)
	}
	return rooms
}
