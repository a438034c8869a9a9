package peer

import (
	"encoding/binary"
	"net/netip"
)

// reserved are the ranges that are nobody's public address (IANA special-purpose registries), and the addresses at which clouds tell
// machines who they are, wherever those stand. One that stands inside of another is listed too.
var reserved = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
	"fc00::/7", "fe80::/10", "fec0::/10",
	// metadata: most clouds, Azure's wire server, Alibaba, Oracle, AWS over IPv6, Google over IPv6, Scaleway over IPv6
	"169.254.169.254/32", "169.254.170.2/32", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
	"fd00:ec2::254/128", "fd20:ce::254/128", "fd00:42::42/128",
)

// never are the ranges that no setting opens: nobody there is one peer.
var never = prefixes("0.0.0.0/32", "255.255.255.255/32", "224.0.0.0/4", "::/128", "ff00::/8")

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
	compatible = netip.MustParsePrefix("::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
)

// inside returns the IPv4 addresses that an IPv6 address is another spelling of, or leads to: NAT64 (RFC 6052, RFC 8215),
// IPv4-compatible (RFC 4291 2.5.5.1), 6to4 (RFC 3056), Teredo (RFC 4380 4) and ISATAP (RFC 5214 6.1). Those that are mapped
// (::ffff:0:0/96) are IPv4 addresses before they come here.
func inside(ip netip.Addr) []netip.Addr {
	if !ip.Is6() {
		return nil
	}
	b := ip.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch {
	case nat64.Contains(ip), localNAT64.Contains(ip), compatible.Contains(ip):
		return []netip.Addr{at(12)}
	case sixToFour.Contains(ip):
		return []netip.Addr{at(2)}
	case teredo.Contains(ip):
		client := ^binary.BigEndian.Uint32(b[12:])
		return []netip.Addr{at(4), netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, client)))}
	case binary.BigEndian.Uint32(b[8:])&^0x02000000 == 0x00005EFE:
		return []netip.Addr{at(12)}
	}
	return nil
}
