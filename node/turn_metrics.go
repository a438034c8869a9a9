package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atoll-mesh/atoll/turn"
)

const (
	turnRefused = "What TURN clients asked for and did not get."
	turnDropped = "Packets of TURN clients and of peers that were dropped."
	turnPackets = "Packets that TURN relayed, to peers (up) and to clients (down)."
	turnBytes   = "Bytes that TURN relayed, to peers (up) and to clients (down)."
)

// turnCounters registers the gauges of the relay and returns its counters. Without a relay there are none.
func (n *Node) turnCounters(r *prometheus.Registry) []counter {
	if n.relay == nil {
		return nil
	}
	for _, g := range []struct {
		name, help string
		read       func(turn.Stats) int
	}{
		{"atoll_turn_allocations", "Allocations of TURN clients.", func(s turn.Stats) int { return s.Allocations }},
		{"atoll_turn_streams", "TCP and TLS connections of TURN clients.", func(s turn.Stats) int { return s.Streams }},
	} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return float64(g.read(n.relay.Stats())) }))
	}
	way := func(direction string) prometheus.Labels { return prometheus.Labels{"direction": direction} }
	var counters []counter
	for _, c := range []struct {
		name, help string
		labels     prometheus.Labels
		read       func(turn.Stats) uint64
	}{
		{"atoll_turn_allocated_total", "Allocations that were made.", nil, func(s turn.Stats) uint64 { return s.Created }},
		{"atoll_turn_relayed_packets_total", turnPackets, way("up"), func(s turn.Stats) uint64 { return s.UpPackets }},
		{"atoll_turn_relayed_packets_total", turnPackets, way("down"), func(s turn.Stats) uint64 { return s.DownPackets }},
		{"atoll_turn_relayed_bytes_total", turnBytes, way("up"), func(s turn.Stats) uint64 { return s.UpBytes }},
		{"atoll_turn_relayed_bytes_total", turnBytes, way("down"), func(s turn.Stats) uint64 { return s.DownBytes }},
		{"atoll_turn_refused_total", turnRefused, reason("malformed"), func(s turn.Stats) uint64 { return s.Malformed }},
		{"atoll_turn_refused_total", turnRefused, reason("expired"), func(s turn.Stats) uint64 { return s.Expired }},
		{"atoll_turn_refused_total", turnRefused, reason("forged"), func(s turn.Stats) uint64 { return s.Forged }},
		{"atoll_turn_refused_total", turnRefused, reason("replayed"), func(s turn.Stats) uint64 { return s.Replayed }},
		{"atoll_turn_refused_total", turnRefused, reason("user"), func(s turn.Stats) uint64 { return s.OverUser }},
		{"atoll_turn_refused_total", turnRefused, reason("address"), func(s turn.Stats) uint64 { return s.OverAddress + s.OverStreams }},
		{"atoll_turn_refused_total", turnRefused, reason("allocation"), func(s turn.Stats) uint64 { return s.OverHeld }},
		{"atoll_turn_refused_total", turnRefused, reason("idle"), func(s turn.Stats) uint64 { return s.HalfOpen }},
		{"atoll_turn_refused_total", turnRefused, reason("peer"), func(s turn.Stats) uint64 { return s.Unpermitted }},
		{"atoll_turn_dropped_total", turnDropped, reason("peer"), func(s turn.Stats) uint64 { return s.Forbidden + s.Strangers }},
		{"atoll_turn_dropped_total", turnDropped, reason("rate"), func(s turn.Stats) uint64 { return s.OverRate }},
		{"atoll_turn_dropped_total", turnDropped, reason("requests"), func(s turn.Stats) uint64 { return s.Limited }},
		{"atoll_turn_dropped_total", turnDropped, reason("garbage"), func(s turn.Stats) uint64 { return s.Garbage }},
		{"atoll_turn_dropped_total", turnDropped, reason("failed"), func(s turn.Stats) uint64 { return s.Failed }},
	} {
		counters = append(counters, counter{c.name, c.help, c.labels, func() uint64 { return c.read(n.relay.Stats()) }})
	}
	return counters
}

// silentHandshakes are connections to a listener that spoke no TLS, or none in time.
func (n *Node) silentHandshakes(listener string) uint64 {
	if n.relay == nil || n.relay.port == nil || listener != "https" {
		return 0
	}
	s := n.relay.port.Stats()
	return s.Failed + s.Slow + s.TooMany
}
