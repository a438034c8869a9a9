package quota

import (
	"encoding/binary"
	"net/netip"
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

// Gate bounds how many requests a second are answered per address. Addresses share buckets when they come to the same of a fixed
// number, so that it takes no more memory whoever asks.
type Gate struct {
	seed    uint64
	buckets [4096]Bucket
}

// NewGate returns a gate for so many requests a second and address, of which burst may come at once. The seed is a secret, so
// that nobody chooses addresses that share a bucket.
func NewGate(seed uint64, perSecond, burst int64) *Gate {
	g := &Gate{seed: seed}
	for k := range g.buckets {
		g.buckets[k].set(perSecond, time.Duration(burst)*time.Second/time.Duration(perSecond))
	}
	return g
}

// Take reports whether a request from an address is to be answered.
func (g *Gate) Take(now time.Duration, ip netip.Addr) bool {
	b := Counted(ip).As16()
	h := g.seed
	for _, half := range [2]uint64{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])} {
		h = (h ^ half) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return g.buckets[h%uint64(len(g.buckets))].Take(now, 1)
}
