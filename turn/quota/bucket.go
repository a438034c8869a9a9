package quota

import (
	"sync/atomic"
	"time"
)

// Bucket bounds a rate in bytes. Several goroutines may take from it at once, none waits for another.
type Bucket struct {
	perByte time.Duration // 0: no bound
	burst   time.Duration
	due     atomic.Int64 // when what was taken so far is paid for (GCRA), by the clock of the caller
}

func (b *Bucket) set(bytesPerSecond int64, burst time.Duration) {
	if bytesPerSecond > 0 {
		b.perByte = max(time.Second/time.Duration(bytesPerSecond), 1)
	}
	b.burst = burst
}

// Take takes n bytes at a moment and reports whether they were there; if not, nothing is taken.
func (b *Bucket) Take(now time.Duration, n int) bool {
	if b.perByte == 0 {
		return true
	}
	for {
		due := b.due.Load()
		next := max(time.Duration(due), now) + time.Duration(n)*b.perByte
		if next-now > b.burst {
			return false
		}
		if b.due.CompareAndSwap(due, int64(next)) {
			return true
		}
	}
}

// Share is what an allocation may send and receive: it takes from the buckets of its user and of its address.
type Share struct {
	client address
	user   string
	of     *user
	at     *holder
}

// Up takes n bytes for a packet from the client to a peer.
func (s *Share) Up(now time.Duration, n int) bool {
	return s.of.up.Take(now, n) && s.at.up.Take(now, n)
}

// Down takes n bytes for a packet from a peer to the client.
func (s *Share) Down(now time.Duration, n int) bool {
	return s.of.down.Take(now, n) && s.at.down.Take(now, n)
}
