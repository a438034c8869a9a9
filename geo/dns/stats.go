package dns

import "sync/atomic"

// Stats count since the start.
type Stats struct {
	Answers     [16]uint64 // by code (RFC 1035 4.1.1); extended ones count as the last
	Limited     uint64     // questions that came faster than the network may ask
	Garbage     uint64     // datagrams that are no questions
	Truncated   uint64
	Connections uint64 // by TCP
	Evicted     uint64 // connections that gave way to newer ones
}

type counters struct {
	answers                                           [16]atomic.Uint64
	limited, garbage, truncated, connections, evicted atomic.Uint64
}

func (c *counters) count(code int) { c.answers[min(code, len(c.answers)-1)].Add(1) }

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	out := Stats{
		Limited: s.stats.limited.Load(), Garbage: s.stats.garbage.Load(), Truncated: s.stats.truncated.Load(),
		Connections: s.stats.connections.Load(), Evicted: s.stats.evicted.Load(),
	}
	for i := range out.Answers {
		out.Answers[i] = s.stats.answers[i].Load()
	}
	return out
}
