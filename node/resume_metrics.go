package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atoll-mesh/atoll/node/resume"
)

// resumeCounters registers the gauges of sessions that go on at other nodes and returns their counters. Without a mesh there are none.
func (n *Node) resumeCounters(r *prometheus.Registry) []counter {
	if n.resume == nil {
		return nil
	}
	for _, g := range []struct {
		name, help string
		read       func(resume.Stats) int
	}{
		{"atoll_resume_records", "Sessions of other nodes that are on record here.", func(s resume.Stats) int { return s.Records }},
		{"atoll_resume_records_bytes", "Bytes of the sessions of other nodes that are on record here.", func(s resume.Stats) int { return s.RecordBytes }},
		{"atoll_resume_channels", "Bridge channels that are passed on between this node and another.", func(s resume.Stats) int { return s.Channels }},
	} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return float64(g.read(n.resume.Stats())) }))
	}
	var counters []counter
	for _, c := range []struct {
		name, help string
		read       func(resume.Stats) uint64
	}{
		{"atoll_resume_searches_total", "Searches of other nodes for a session.", func(s resume.Stats) uint64 { return s.Searches }},
		{"atoll_resume_found_total", "Searches of other nodes for a session that found it.", func(s resume.Stats) uint64 { return s.Found }},
		{"atoll_resume_given_total", "Sessions that left for the node that their client came to.", func(s resume.Stats) uint64 { return s.Given }},
		{"atoll_resume_revived_total", "Participants of dead nodes that went on here.", func(s resume.Stats) uint64 { return s.Revived }},
		{"atoll_resume_refused_total", "Questions for a session with a wrong token.", func(s resume.Stats) uint64 { return s.Refused }},
		{"atoll_resume_full_total", "Records of sessions that were one too many.", func(s resume.Stats) uint64 { return s.Full }},
	} {
		counters = append(counters, counter{c.name, c.help, nil, func() uint64 { return c.read(n.resume.Stats()) }})
	}
	return counters
}
