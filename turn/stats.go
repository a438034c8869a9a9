package turn

import (
	"sync/atomic"
	"time"
)

// Stats are what the server has and has done.
type Stats struct {
	Allocations, Streams int // now
	Created              uint64

	UpPackets, UpBytes     uint64 // from clients to peers
	DownPackets, DownBytes uint64 // from peers to clients

	// Requests refused for their credential.
	Malformed, Expired, Forged, Replayed uint64
	// Allocations refused because the user, or the address or everybody, has too many.
	OverUser, OverAddress uint64
	OverHeld              uint64 // permissions and channels that are one too many
	Unpermitted           uint64 // permissions for addresses where nothing is relayed to
	Forbidden             uint64 // packets to peers that are not relayed to
	Strangers             uint64 // packets from such peers
	OverRate              uint64 // packets that are more than the rate of a user or an address
	Failed                uint64 // packets that the system did not send
	Garbage               uint64 // datagrams and streams that are no TURN
	Limited               uint64 // requests too many of an address
	HalfOpen              uint64 // streams that were closed because they had no allocation
	OverStreams           uint64 // streams too many
}

type counters struct {
	created, upPackets, upBytes, downPackets, downBytes, malformed, expired, forged, replayed, overUser, overAddress, overHeld, unpermitted, forbidden,
	strangers, overRate, failed, garbage, limited, halfOpen, overStreams atomic.Uint64
}

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	allocations, streams := s.book.Total(), len(s.conns)
	s.mu.Unlock()
	c := &s.stats
	return Stats{
		Allocations: allocations, Streams: streams, Created: c.created.Load(),
		UpPackets: c.upPackets.Load(), UpBytes: c.upBytes.Load(), DownPackets: c.downPackets.Load(), DownBytes: c.downBytes.Load(),
		Malformed: c.malformed.Load(), Expired: c.expired.Load(), Forged: c.forged.Load(), Replayed: c.replayed.Load(),
		OverUser: c.overUser.Load(), OverAddress: c.overAddress.Load(), OverHeld: c.overHeld.Load(), Unpermitted: c.unpermitted.Load(), Forbidden: c.forbidden.Load(),
		Strangers: c.strangers.Load(), OverRate: c.overRate.Load(), Failed: c.failed.Load(), Garbage: c.garbage.Load(),
		Limited: c.limited.Load(), HalfOpen: c.halfOpen.Load(), OverStreams: c.overStreams.Load(),
	}
}

// wall is the time that credentials are checked by.
func wall() time.Time { return time.Now() }
