package stream

import "sync/atomic"

// Stats is what a server has counted since it started. The first three are as of now.
type Stats struct {
	Sockets, Sessions, Suspended int

	Opened       uint64 // sockets that were accepted
	Refused      uint64 // connects and binds over a limit or against a rule
	Bound        uint64 // sessions that began here
	Resumed      uint64
	ResumeFailed uint64
	Fetched      uint64 // sessions that came from another server to be resumed
	Forged       uint64 // questions of other servers with a wrong token for a session of this one
	FetchRefused uint64 // searches at other servers that were one too many
	Expired      uint64 // sessions that nobody resumed
	Overflowed   uint64 // sessions whose client took too little
	StreamErrors uint64 // streams that broke a rule
	Throttled    uint64 // pauses in reading from a client that sent too fast

	MessagesIn, MessagesOut uint64
	BytesIn, BytesOut       uint64
}

type counters struct {
	opened, refused, bound, resumed, resumeFailed, expired, overflowed, streamErrors, throttled atomic.Uint64
	fetched, forged, fetchesRefused                                                             atomic.Uint64
	messagesIn, messagesOut, bytesIn, bytesOut                                                  atomic.Uint64
}

func (c *counters) closed(cause Cause) {
	switch cause {
	case Expired:
		c.expired.Add(1)
	case Overflow:
		c.overflowed.Add(1)
	case ClientClosed, Lost, StreamError, Dropped, Shutdown:
	}
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	c := &s.stats
	out := Stats{
		Opened: c.opened.Load(), Refused: c.refused.Load(), Bound: c.bound.Load(), Resumed: c.resumed.Load(),
		ResumeFailed: c.resumeFailed.Load(), Expired: c.expired.Load(), Overflowed: c.overflowed.Load(),
		StreamErrors: c.streamErrors.Load(), Throttled: c.throttled.Load(),
		Fetched: c.fetched.Load(), Forged: c.forged.Load(), FetchRefused: c.fetchesRefused.Load(),
		MessagesIn: c.messagesIn.Load(), MessagesOut: c.messagesOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
	}
	s.mu.Lock()
	sessions := make([]*Session, 0, len(s.jids))
	for _, t := range s.jids {
		sessions = append(sessions, t)
	}
	out.Sockets = len(s.sockets)
	s.mu.Unlock()
	out.Sessions = len(sessions)
	for _, t := range sessions {
		if t.suspended() {
			out.Suspended++
		}
	}
	return out
}
