package node

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/handover"
	"github.com/atoll-mesh/atoll/node/handover/plan"
	"github.com/atoll-mesh/atoll/node/session"
)

// wireMover makes what moves participants to other nodes and takes theirs.
func (n *Node) wireMover() {
	if n.mesh == nil {
		return
	}
	n.mover = handover.New(handover.Config{
		Mesh: n.mesh, Edge: n.edge, Rooms: n.rooms, Self: n.name, Socket: n.socketURL(), Log: n.log,
		Keeps: n.cfg.Handover == config.HandoverOff,
		Import: func(value session.Stream, dead bool) (handover.Stream, error) {
			s, err := n.streams.Arrive(value, dead)
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		Left: func(stream session.Stream, endpoint room.EndpointID, to identity.Name) {
			n.resume.Left(stream, endpoint, to)
		},
		Expected: func(token string) bool { return n.resume != nil && n.resume.Expected(token) },
	})
}

// socketURL is scheme and host of this node's own WebSockets, "" when nobody said.
func (n *Node) socketURL() string {
	switch u := n.cfg.NodeURL; {
	case u != nil:
		return "ws" + strings.TrimPrefix(u.Scheme, "http") + "://" + u.Host
	case n.cfg.HTTPS.Off || n.cfg.Domain == "localhost":
		return ""
	}
	return "wss://" + string(n.name) + "." + n.cfg.Domain
}

// others are the nodes of the cluster besides this one that live and stay.
func (n *Node) others() []identity.Name {
	if n.mesh == nil {
		return nil
	}
	var all []identity.Name
	for _, m := range n.mesh.Members() {
		if !m.Self && m.State == member.Alive && !m.Drain {
			all = append(all, m.Name)
		}
	}
	return all
}

// successors are the nodes that this one can move participants to, the nearest first.
func (n *Node) successors() []identity.Name {
	all := slices.DeleteFunc(n.others(), func(name identity.Name) bool { return !n.mesh.Linked(name) })
	slices.SortStableFunc(all, func(a, b identity.Name) int { return cmp.Compare(n.mesh.RTT(a), n.mesh.RTT(b)) })
	return all
}

// moveAway moves a participant to another node.
func (n *Node) moveAway(ctx context.Context, who conference.Who, to identity.Name) (plan.Outcome, error) {
	way := plan.Restart
	switch {
	case who.Lost: // nobody can be told anything
		way = plan.Bare
	case n.cfg.Handover == config.HandoverOff:
		way = plan.Invite
	}
	return n.mover.Move(ctx, who.Room, who.Endpoint, to, way)
}
