// Package peer says what TURN relays to.
//
// # The rule
//
//  1. The exact address and port of a live member's media: yes, whatever range it stands in.
//  2. An address of a range that the operator opened, any port but 0: yes, unless 3 or 4.
//  3. Multicast, broadcast and unspecified addresses: never.
//  4. A reserved address (private, loopback, link-local, metadata, documentation, translated: see reserved.go): only when the
//     opened range lies within the reserved one. So 0.0.0.0/0 opens the internet and not the operator's house; who means
//     10.0.0.0/8 says so; and who opens 169.254.0.0/16 still does not open 169.254.169.254.
//  5. An IPv6 address that is another spelling of an IPv4 address (NAT64, 6to4, Teredo, ISATAP, IPv4-compatible): only when the
//     IPv4 address is open by these rules too. One that is IPv4-mapped is the IPv4 address.
//  6. Everything else: no. Without opened ranges a node is no relay for anything but meetings.
//
// It holds in both directions: what comes from elsewhere does not reach the client.
//
// It is an engine: a [Policy] never changes, so that every packet can be asked about without a lock.
package peer

import (
	"net/netip"
	"slices"
)

// Policy is what may be relayed to. The zero value is nothing.
type Policy struct {
	members map[netip.AddrPort]struct{}
	hosts   map[netip.Addr]struct{} // of members
	ranges  []netip.Prefix
}

// New returns the policy for the media addresses of live members and the ranges that the operator opened.
func New(members []netip.AddrPort, ranges []netip.Prefix) *Policy {
	p := &Policy{members: make(map[netip.AddrPort]struct{}, len(members)), hosts: make(map[netip.Addr]struct{}, len(members))}
	for _, m := range members {
		m = plain(m)
		if m.Port() == 0 || among(m.Addr(), never) {
			continue // nobody is there
		}
		p.members[m] = struct{}{}
		p.hosts[m.Addr()] = struct{}{}
	}
	for _, r := range ranges {
		if r.Addr().Is4In6() && r.Bits() >= 96 {
			r = netip.PrefixFrom(r.Addr().Unmap(), r.Bits()-96)
		}
		if r = r.Masked(); r.IsValid() {
			p.ranges = append(p.ranges, r)
		}
	}
	return p
}

// Relays reports whether packets go to, and come from, an address and port.
func (p *Policy) Relays(peer netip.AddrPort) bool {
	peer = plain(peer)
	if _, ok := p.members[peer]; ok {
		return true
	}
	return peer.Port() != 0 && p.opened(peer.Addr())
}

// Permits reports whether there is any port at an address that packets go to. It is what a permission is asked with (RFC 8656
// 9), which knows no ports.
func (p *Policy) Permits(ip netip.Addr) bool {
	ip = ip.Unmap()
	if _, ok := p.hosts[ip]; ok {
		return true
	}
	return p.opened(ip)
}

func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func (p *Policy) opened(ip netip.Addr) bool {
	if len(p.ranges) == 0 || !ip.IsValid() || ip.Zone() != "" || among(ip, never) {
		return false
	}
	if !slices.ContainsFunc(p.ranges, func(r netip.Prefix) bool { return r.Contains(ip) && means(r, ip) }) {
		return false
	}
	for _, v4 := range inside(ip) {
		if !p.opened(v4) {
			return false
		}
	}
	return true
}

// means reports whether a range that contains an address was meant to: it lies within every reserved range around the address.
func means(r netip.Prefix, ip netip.Addr) bool {
	for _, around := range reserved {
		if around.Contains(ip) && (r.Bits() < around.Bits() || !around.Contains(r.Addr())) {
			return false
		}
	}
	return true
}

func among(ip netip.Addr, ranges []netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(r netip.Prefix) bool { return r.Contains(ip) })
}
