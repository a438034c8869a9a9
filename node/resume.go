package node

import (
	"context"

	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/resume"
	"github.com/atoll-mesh/atoll/signaling/bridge"
)

// wireResume makes what finds the sessions of clients that come from other nodes. It comes after the streams, the channels and the mover.
func (n *Node) wireResume() {
	if n.mesh == nil {
		return
	}
	n.resume = resume.New(resume.Config{
		Self: n.name, Standby: n.cfg.Handover == config.HandoverStandby, Keeps: n.cfg.Handover == config.HandoverOff, Mesh: n.mesh, Streams: n.streams, Rooms: n.rooms,
		Channels: n.channels, Mover: n.mover, Log: n.log,
	})
	// Both know each other now: other nodes may talk to them.
	n.mesh.SetMover(n.mover)
	n.mesh.SetSessions(n.resume)
}

// elsewhere is the other nodes, as the parts that are made before them ask for them. Nothing is asked before the node serves.
type elsewhere struct{ n *Node }

// Fetch implements stream.Elsewhere.
func (e elsewhere) Fetch(ctx context.Context, token string) error {
	if e.n.resume == nil {
		return resume.ErrUnknown
	}
	return e.n.resume.Fetch(ctx, token)
}

// Open implements bridge.Elsewhere.
func (e elsewhere) Open(ctx context.Context, a bridge.Address, client bridge.End) (bridge.Way, bool) {
	if e.n.resume == nil {
		return nil, false
	}
	return e.n.resume.Open(ctx, a, client)
}
