package stream

import (
	"net/netip"
	"sync"
	"time"
)

// addresses limits how often one address connects: one IPv4 address, or one IPv6 network of 64 bits.
type addresses struct {
	rate, burst float64

	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket
	swept   time.Time
}

// maxAddresses bounds the memory for addresses. Beyond it new ones are not counted: the bound on sockets stays.
const maxAddresses = 1 << 16

func (a *addresses) allow(now time.Time, from netip.Addr) bool {
	from = from.Unmap()
	if !from.IsValid() || from.IsLoopback() {
		return true
	}
	bits := 32
	if from.Is6() {
		bits = 64
	}
	key, err := from.WithZone("").Prefix(bits)
	if err != nil {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.swept) >= time.Minute {
		a.sweep(now)
	}
	b := a.buckets[key]
	if b == nil {
		if len(a.buckets) >= maxAddresses {
			return true
		}
		b = &bucket{rate: a.rate, burst: a.burst, last: now}
		a.buckets[key] = b
	}
	return b.try(now)
}

// sweep forgets the addresses that have their whole burst again.
func (a *addresses) sweep(now time.Time) {
	a.swept = now
	if a.buckets == nil {
		a.buckets = make(map[netip.Prefix]*bucket)
	}
	for key, b := range a.buckets {
		if b.refill(now); b.full() {
			delete(a.buckets, key)
		}
	}
}
