package node

import (
	"context"
	"time"

	"github.com/atoll-mesh/atoll/node/web"
)

// reportPatience bounds how long the admin API waits for rooms that are busy.
const reportPatience = 2 * time.Second

func (n *Node) cluster() web.Cluster {
	return web.Cluster{
		Self:    string(n.name),
		Members: []web.Member{{Name: string(n.name), Region: n.cfg.Region, State: "alive", Version: Version}},
		Links:   []web.Link{},
	}
}

func (n *Node) roomReports() []web.Room {
	ctx, cancel := context.WithTimeout(context.Background(), reportPatience)
	defer cancel()
	rooms := []web.Room{}
	for _, r := range n.rooms.Reports(ctx) {
		out := web.Room{Name: r.Room, Nodes: r.Nodes, Participants: []web.Participant{}, Sources: []web.Source{}}
		for _, p := range r.Participants {
			out.Participants = append(out.Participants, web.Participant{ID: p.Endpoint, Node: p.Node})
		}
		for _, s := range r.Sources {
			out.Sources = append(out.Sources, web.Source{
				Name: string(s.Name), Kind: s.Name.Kind().String(), VideoType: string(s.VideoType), From: string(n.name), Layers: s.Layers,
			})
		}
		rooms = append(rooms, out)
	}
	return rooms
}
