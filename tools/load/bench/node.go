package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// node is the node under test, or a cluster of them.
type node struct {
	nodes []*load.Node
	end   func() error
}

func startNode(ctx context.Context, s Scenario, binary string) (server, error) {
	if s.Nodes > 1 {
		c, err := load.StartCluster(ctx, binary, s.Nodes)
		if err != nil {
			return nil, err
		}
		return &node{c.Nodes, c.Stop}, nil
	}
	n, err := load.StartNode(ctx, binary)
	if err != nil {
		return nil, err
	}
	return &node{[]*load.Node{n}, n.Stop}, nil
}

func (n *node) pids() (all []int) {
	for _, one := range n.nodes {
		all = append(all, one.PID)
	}
	return all
}

func (n *node) payload(codec uint8) uint8 { return codec }

func (n *node) feedback() bool { return true }

func (n *node) allocated(ctx context.Context) (sum uint64, ok bool, err error) {
	for _, one := range n.nodes {
		raw, err := one.Get(ctx, "/metrics")
		if err != nil {
			return 0, false, err
		}
		count, err := load.Metric(raw, "go_memstats_mallocs_total")
		if err != nil {
			return 0, false, err
		}
		sum += uint64(count)
	}
	return sum, true, nil
}

func (n *node) join(ctx context.Context, c client) (seat, error) {
	at := n.nodes[0]
	if !c.sends() {
		at = n.nodes[len(n.nodes)-1]
	}
	cfg := participant.Config{
		URL: at.URL, Domain: at.Domain, Room: "load", Name: fmt.Sprintf("p%d", c.at), Network: c.line, OnRTCP: c.onRTCP,
	}
	if c.sends() {
		cfg.SSRCs = c.ssrcs
	}
	if c.codec == payloadAV1 {
		cfg.Codecs = "av1"
	}
	if c.receives() {
		cfg.OnRTP = c.onRTP
	}
	p, err := participant.Join(ctx, cfg)
	return &occupant{p}, err
}

func (n *node) stop() error { return n.end() }

func (n *node) log() string {
	var all string
	for _, one := range n.nodes {
		all += one.Log()
	}
	return all
}

// occupant is a client of a node.
type occupant struct{ *participant.Participant }

func (o *occupant) ready(ctx context.Context) (out, in *participant.Transport, err error) {
	if err := o.AwaitMedia(ctx); err != nil {
		return nil, nil, err
	}
	t := o.Transport()
	if t == nil {
		return nil, nil, errors.New("the media session ended")
	}
	return t, t, nil
}

func (o *occupant) leave() { o.Leave() }
