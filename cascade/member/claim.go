package member

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// arbitrate finds out who answers at an address that several members have.
func (l *List) arbitrate() {
	for {
		claims := l.table.claimants()
		holders := make(map[netip.AddrPort]identity.Name)
		for _, addr := range sortedAddrs(claims) {
			for _, name := range claims[addr] {
				if l.ctx.Err() == nil && l.answers(name, addr) {
					holders[addr] = name
					break
				}
			}
		}
		l.table.settle(holders)
		var later <-chan time.Time
		if len(claims) > 0 {
			later = time.After(roundInterval)
		}
		select {
		case <-l.claims:
		case <-later:
		case <-l.ctx.Done():
			return
		}
	}
}

// Reaches asks by UDP whether the node of that name is at the address, and reports whether it answered.
func (l *List) Reaches(name identity.Name, addr netip.AddrPort) bool { return l.answers(name, addr) }

// answers reports whether the node of that name is at the address.
func (l *List) answers(name identity.Name, addr netip.AddrPort) bool {
	for range 3 {
		if _, err := l.gossip.Ping(string(name), net.UDPAddrFromAddrPort(addr)); err == nil {
			return true
		}
		if l.ctx.Err() != nil {
			return false
		}
	}
	return false
}

func sortedAddrs(claims map[netip.AddrPort][]identity.Name) []netip.AddrPort {
	var all []netip.AddrPort
	for addr := range claims {
		all = append(all, addr)
	}
	slices.SortFunc(all, netip.AddrPort.Compare)
	return all
}
