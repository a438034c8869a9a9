package dns

import (
	"net/netip"
	"sync"
	"time"
)

const (
	perSecond = 100
	burst     = 200
	mostNets  = 16384
	refill    = time.Second / perSecond
	whole     = burst * refill // after which a network owes nothing
)

// verdict is what becomes of a question.
type verdict uint8

const (
	pass verdict = iota
	slip         // an empty answer with TC
	drop
)

// limiter bounds the answers by UDP to each network. Owe is kept as the time at which everything is paid: one word a network.
type limiter struct {
	mu    sync.Mutex
	paid  map[netip.Prefix]time.Time
	rest  time.Time // of all that found no place
	odd   bool
	swept time.Time
}

func newLimiter() *limiter { return &limiter{paid: make(map[netip.Prefix]time.Time)} }

// network is what is limited as one.
func network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := 24
	if ip.Is6() {
		bits = 56
	}
	p, _ := ip.WithZone("").Prefix(bits) // an address has so many
	return p
}

func (l *limiter) ask(now time.Time, from netip.Addr) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := network(from)
	paid, known := l.paid[key]
	if !known && len(l.paid) >= mostNets {
		l.sweep(now)
	}
	room := known || len(l.paid) < mostNets
	if !room {
		paid = l.rest
	}
	if paid.Before(now) {
		paid = now
	}
	if paid.Sub(now) > whole-refill {
		if l.odd = !l.odd; l.odd {
			return slip
		}
		return drop
	}
	paid = paid.Add(refill)
	if room {
		l.paid[key] = paid
	} else {
		l.rest = paid
	}
	return pass
}

// sweep forgets who owes nothing, at most once a second: a flood of forged networks must not make each question cost a walk.
func (l *limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for key, paid := range l.paid {
		if !paid.After(now) {
			delete(l.paid, key)
		}
	}
}
