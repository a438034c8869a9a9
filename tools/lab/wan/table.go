package wan

import (
	"net/netip"
	"slices"
)

// Table says which place an address belongs to. It does not change once made.
type Table struct {
	entries []entry
}

type entry struct {
	prefix netip.Prefix
	place  string
}

// NewTable makes a table from the prefixes of each place. The longest prefix that holds an address decides.
func NewTable(places map[string][]netip.Prefix) *Table {
	t := &Table{}
	for place, prefixes := range places {
		for _, p := range prefixes {
			t.entries = append(t.entries, entry{p.Masked(), place})
		}
	}
	slices.SortFunc(t.entries, func(a, b entry) int { return b.prefix.Bits() - a.prefix.Bits() })
	return t
}

// Place returns the place of an address.
func (t *Table) Place(a netip.Addr) (string, bool) {
	for _, e := range t.entries {
		if e.prefix.Contains(a) {
			return e.place, true
		}
	}
	return "", false
}

// Destination returns the destination address of an IP packet, version 4 or 6.
func Destination(packet []byte) (netip.Addr, bool) {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(packet[16:20])), true
	case len(packet) >= 40 && packet[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(packet[24:40])), true
	}
	return netip.Addr{}, false
}
