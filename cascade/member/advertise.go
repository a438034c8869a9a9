package member

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// advertised returns the address that others are told: what is configured, completed by what the socket is bound to and
// then by the best address of the machine.
func advertised(configured, bound netip.AddrPort) (netip.AddrPort, error) {
	ip, port := configured.Addr().Unmap(), configured.Port()
	if port == 0 {
		port = bound.Port()
	}
	if !ip.IsValid() || ip.IsUnspecified() {
		ip = bound.Addr()
	}
	if !ip.IsValid() || ip.IsUnspecified() {
		all, err := net.InterfaceAddrs()
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("find the address to advertise: %w", err)
		}
		if ip = best(all); !ip.IsValid() {
			return netip.AddrPort{}, errors.New("find the address to advertise: no interface has one; use --advertise")
		}
	}
	a := netip.AddrPortFrom(ip.WithZone(""), port)
	if !usable(a) {
		return netip.AddrPort{}, fmt.Errorf("%v cannot be advertised", a)
	}
	return a, nil
}

// best returns the address that most others can reach: public before private before loopback, IPv4 first.
func best(all []net.Addr) netip.Addr {
	var found []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().Unmap().IsLinkLocalUnicast() {
			found = append(found, p.Addr().Unmap())
		}
	}
	if len(found) == 0 {
		return netip.Addr{}
	}
	return slices.MinFunc(found, func(a, b netip.Addr) int { return reach(a) - reach(b) })
}

func reach(a netip.Addr) int {
	rank := 0
	switch {
	case a.IsLoopback():
		rank = 4
	case a.IsPrivate():
		rank = 2
	}
	if a.Is6() {
		rank++
	}
	return rank
}
