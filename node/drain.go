package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/handover/plan"
	"github.com/atoll-mesh/atoll/node/web"
)

// drainLook is how often it is looked who is still here.
const drainLook = 50 * time.Millisecond

var errDraining = errors.New("the node is being drained")

// Drain takes the node out of use: from now on it is for nobody new, and everybody here moves to the other nodes of the cluster.
// It returns when the node is empty or ctx ends; how many are left then is in the answer. A node without others has nobody
// to give anybody to, and returns at once. Wait returns afterwards. A second call waits for the first.
func (n *Node) Drain(ctx context.Context) web.Drained {
	n.drain.Do(func() {
		start := time.Now()
		n.retiring.Store(true)
		n.log.Info("node is drained", "participants", n.rooms.Counts().Participants)
		n.streams.Refuse()
		if n.mesh != nil {
			n.mover.Refuse(true)
			if err := n.mesh.SetDraining(true); err != nil {
				n.log.Warn("tell the cluster of the drain", "error", err)
			}
			d := drain{node: n, turns: plan.NewTurns[conference.Who](), moved: make(chan struct{}, 1)}
			n.drained = d.run(ctx)
		}
		n.drained.Left = n.rooms.Counts().Participants
		n.drained.Seconds = time.Since(start).Seconds()
		n.log.Info("drain is over", "moved", n.drained.Moved, "invited anew", n.drained.Invited, "without media", n.drained.Without,
			"left", n.drained.Left, "took", time.Since(start))
		close(n.empty)
	})
	return n.drained
}

// drain is one drain under way.
type drain struct {
	node   *Node
	moving sync.WaitGroup
	moved  chan struct{} // somebody's move is over

	mu     sync.Mutex // guards what follows
	result web.Drained
	turns  *plan.Turns[conference.Who]
	tries  int
}

// run moves everybody. It returns when nobody is left and the old paths have had their time.
func (d *drain) run(ctx context.Context) web.Drained {
	n := d.node
	ticker := time.NewTicker(drainLook)
	defer ticker.Stop()
	for ctx.Err() == nil && len(n.others()) > 0 {
		all := n.rooms.Everybody(ctx)
		if len(all) == 0 {
			break
		}
		if to := n.successors(); len(to) > 0 {
			d.begin(ctx, all, to)
		}
		select {
		case <-ticker.C:
		case <-d.moved:
		case <-ctx.Done():
		}
	}
	d.moving.Wait()
	n.mover.Settle(ctx)
	return d.result
}

// begin begins to move those whose turn it is.
func (d *drain) begin(ctx context.Context, all []conference.Who, to []identity.Name) {
	here := make(map[conference.Who]conference.Who, len(all))
	leavers := make([]plan.Leaver[conference.Who], len(all))
	for i, who := range all {
		key := conference.Who{Room: who.Room, Endpoint: who.Endpoint} // whatever it is about it
		here[key] = who
		leavers[i] = plan.Leaver[conference.Who]{Who: key, Room: who.Room, Media: who.Media, Lost: who.Lost}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range d.turns.Next(time.Now(), leavers) {
		target := to[d.tries%len(to)]
		d.moving.Go(func() { d.move(ctx, key, here[key], target) })
	}
}

func (d *drain) move(ctx context.Context, key, who conference.Who, target identity.Name) {
	outcome, err := d.node.moveAway(ctx, who, target)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turns.Over(time.Now(), key, outcome)
	switch outcome {
	case plan.Moved:
		d.result.Moved++
	case plan.Anew:
		d.result.Invited++
	case plan.Without:
		d.result.Without++
	default:
		d.tries++ // perhaps another node
	}
	if err != nil {
		d.node.log.Warn("a participant does not move", "participant", who.Endpoint, "to", string(target), "error", err)
	}
	select {
	case d.moved <- struct{}{}:
	default:
	}
}
