// Package country says which country an address is in, and where that is: from a table inside of the program, or from a
// file in the format of MaxMind (mmdb) that is read again when it changes.
//
// # The table inside
//
// table.gz is made by tools/country from two npm packages, @ip-location-db/geo-whois-asn-country and asn-country, made from the statistics of the
// five regional Internet registries: CC BY 4.0, see ATTRIBUTION. The point that stands for a country is a city of it, from
// zone.tab of the time zone database (public domain): where people live, not the middle of the land. It is gzip of
//
//	"atoll country 1\n"
//	day (4), of the data, as yyyymmdd
//	count (2) and countries: two letters, latitude (2), longitude (2), hundredths of a degree
//	IPv4: count (4), starts, countries
//	IPv6: the same; what is counted are networks of 64 bits
//
//	starts: each is the distance from the one before, as an unsigned varint; the first is 0
//	countries: for each start the country (1) from there to the next; 0 for none, else counted from 1
//
// Integers are big-endian. The checksum is gzip's.
//
// # Files
//
// A file may have countries (country_code, or country.iso_code and registered_country.iso_code), places (latitude and longitude, or
// location.latitude and location.longitude), or both. Everything is read when the file is opened: so a lookup touches no file, and a file
// that is cut short, or has neither, is refused before anybody asks. Places are rounded to whole degrees, networks in
// IPv6 to 64 bits: they are the first guess of something that is measured later.
//
// A [Book] looks at its file every 5 s. It reads it when it has changed and then stayed as it is for 5 s; when it is refused the
// table before stays, with one line in the log.
package country

import (
	"math/bits"
	"net/netip"
	"slices"

	"github.com/atoll-mesh/atoll/geo/place"
)

// Place is where an address is. The zero value is an address of which nothing is known.
type Place struct {
	Country  string // ISO 3166-1, two capitals; "" when it is not known
	Location place.Location
	Located  bool // Location is known
}

// Table tells addresses' places. It never changes.
type Table struct {
	kind   string
	places []Place // the first is that of unknown addresses
	v4     ranges[uint32]
	v6     ranges[uint64] // by the first 64 bits
}

// ranges are what begins where: at[i] holds from start[i] to start[i+1].
type ranges[T uint32 | uint64] struct {
	start []T
	at    []uint16
}

// String says what table it is.
func (t *Table) String() string { return t.kind }

// Lookup returns the place of an address and the largest network around it in which every address has that place. Private and
// other special addresses have none.
func (t *Table) Lookup(addr netip.Addr) (Place, netip.Prefix) {
	addr = addr.Unmap().WithZone("")
	switch {
	case !addr.IsGlobalUnicast() || addr.IsPrivate():
		return Place{}, netip.PrefixFrom(addr, addr.BitLen())
	case addr.Is4():
		b := addr.As4()
		at, length := t.v4.find(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]))
		return t.places[at], netip.PrefixFrom(addr, length).Masked()
	case addr.Is6():
		b := addr.As16()
		var high uint64
		for _, octet := range b[:8] {
			high = high<<8 | uint64(octet)
		}
		at, length := t.v6.find(high)
		return t.places[at], netip.PrefixFrom(addr, length).Masked()
	}
	return Place{}, netip.Prefix{}
}

// find returns what holds at x, and the length of the largest aligned block around x in which nothing else does.
func (r ranges[T]) find(x T) (at uint16, length int) {
	i, exact := slices.BinarySearch(r.start, x)
	if !exact {
		i--
	}
	first, last := T(0), ^T(0)
	if i >= 0 {
		at, first = r.at[i], r.start[i]
	}
	if i+1 < len(r.start) {
		last = r.start[i+1] - 1
	}
	for length = bits.Len64(uint64(^T(0))); length > 0; length-- {
		rest := ^T(0) >> (length - 1) // of a block that is twice as large
		if x&^rest < first || x|rest > last {
			break
		}
	}
	return at, length
}

// add has at hold from start on. Starts come in ascending order; the last one for the same start counts.
func (r *ranges[T]) add(start T, at uint16) {
	if n := len(r.start); n > 0 && r.start[n-1] == start {
		r.start, r.at = r.start[:n-1], r.at[:n-1]
	}
	if n := len(r.at); n == 0 && at == 0 || n > 0 && r.at[n-1] == at {
		return
	}
	r.start, r.at = append(r.start, start), append(r.at, at)
}

// block has at hold in one block and nothing after it.
func (r *ranges[T]) block(start, last T, at uint16) {
	r.add(start, at)
	if last != ^T(0) {
		r.add(last+1, 0)
	}
}

func (r *ranges[T]) trim() { r.start, r.at = slices.Clip(r.start), slices.Clip(r.at) }
