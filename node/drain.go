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

const (
	drainAtOnce = 16 // participants under way
	drainLook   = 50 * time.Millisecond
	drainAgain  = time.Second     // after a move that did not work
	drainLost   = 3 * time.Second // that a client whose socket is lost may take to come back
)

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
			d := drain{node: n, failed: make(map[conference.Who]time.Time), lost: make(map[conference.Who]time.Time)}
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
	result web.Drained
	busy   sync.Map // whom a goroutine moves
	moving sync.WaitGroup

	mu     sync.Mutex // guards result, failed and tries
	failed map[conference.Who]time.Time
	tries  int

	lost map[conference.Who]time.Time // since when
}

// run moves everybody. It returns when nobody is left and the old paths have had their time.
func (d *drain) run(ctx context.Context) web.Drained {
	n := d.node
	slots := make(chan struct{}, drainAtOnce)
	ticker := time.NewTicker(drainLook)
	defer ticker.Stop()
	for ctx.Err() == nil && len(n.others()) > 0 {
		all := n.rooms.Everybody(ctx)
		if len(all) == 0 {
			break
		}
		to := n.successors()
		for _, who := range all {
			if len(to) == 0 || !d.ready(who) {
				continue
			}
			select {
			case slots <- struct{}{}:
			default:
				continue
			}
			d.busy.Store(key(who), true)
			d.moving.Go(func() {
				d.move(ctx, who, to)
				d.busy.Delete(key(who))
				<-slots
			})
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	d.moving.Wait()
	n.mover.Settle(ctx)
	return d.result
}

// key is who, whatever it is about it.
func key(who conference.Who) conference.Who {
	return conference.Who{Room: who.Room, Endpoint: who.Endpoint}
}

// ready reports whether somebody is to be moved now.
func (d *drain) ready(who conference.Who) bool {
	if _, busy := d.busy.Load(key(who)); busy {
		return false
	}
	if !who.Lost {
		delete(d.lost, key(who))
	} else if who.Media { // when its client is back in time nothing is lost
		since, ok := d.lost[key(who)]
		if !ok {
			d.lost[key(who)] = time.Now()
		}
		if !ok || time.Since(since) < drainLost {
			return false
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.failed[key(who)]
	return !ok || time.Since(at) >= drainAgain
}

func (d *drain) move(ctx context.Context, who conference.Who, to []identity.Name) {
	d.mu.Lock()
	target := to[d.tries%len(to)]
	d.mu.Unlock()
	outcome, err := d.node.moveAway(ctx, who, target)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch outcome {
	case plan.Moved:
		d.result.Moved++
	case plan.Anew:
		d.result.Invited++
	case plan.Without:
		d.result.Without++
	default:
		d.failed[key(who)] = time.Now()
		d.tries++ // perhaps another node
	}
	if err != nil {
		d.node.log.Warn("a participant does not move", "participant", who.Endpoint, "to", string(target), "error", err)
	}
}
