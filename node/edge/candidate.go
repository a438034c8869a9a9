package edge

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Candidate is one host candidate of the node (RFC 8445 5.1.1.1), component 1, UDP.
type Candidate struct {
	Addr       netip.AddrPort
	Priority   uint32
	Foundation string
}

// candidates finds the addresses that clients are told.
func candidates(local netip.AddrPort, v6 bool, advertise []string, loopback bool) ([]Candidate, error) {
	addrs, err := advertised(advertise, local.Port())
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		if ip := local.Addr().Unmap(); !ip.IsUnspecified() {
			addrs = []netip.AddrPort{netip.AddrPortFrom(ip, local.Port())}
		} else if addrs, err = interfaces(local.Port(), v6, loopback); err != nil {
			return nil, err
		}
	}
	list := make([]Candidate, len(addrs))
	for i, a := range addrs {
		list[i] = Candidate{
			Addr: a,
			// Host candidates have type preference 126; the first address is the one most liked (RFC 8445 5.1.2).
			Priority:   126<<24 | uint32(65535-i)<<8 | 255,
			Foundation: strconv.Itoa(i + 1),
		}
	}
	return list, nil
}

func advertised(list []string, port uint16) ([]netip.AddrPort, error) {
	var addrs []netip.AddrPort
	for _, s := range list {
		if ip, err := netip.ParseAddr(s); err == nil {
			addrs = append(addrs, netip.AddrPortFrom(ip.Unmap(), port))
			continue
		}
		a, err := netip.ParseAddrPort(s)
		if err != nil {
			return nil, fmt.Errorf("advertised address %q: want ip or ip:port", s)
		}
		addrs = append(addrs, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
	}
	return addrs, nil
}

// interfaces lists the unicast addresses of the machine, v4 and v6 as they come. Link-local addresses are left out: a
// client cannot use them without knowing which of its interfaces is meant.
func interfaces(port uint16, v6, loopback bool) ([]netip.AddrPort, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list the addresses of this machine: %w", err)
	}
	var addrs, own []netip.AddrPort
	for _, a := range list {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		ip := prefix.Addr().Unmap()
		switch {
		case ip.Is6() && !v6, ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified():
		case ip.IsLoopback():
			own = append(own, netip.AddrPortFrom(ip, port))
		default:
			addrs = append(addrs, netip.AddrPortFrom(ip, port))
		}
	}
	if loopback || len(addrs) == 0 {
		addrs = append(addrs, own...)
	}
	return addrs, nil
}
