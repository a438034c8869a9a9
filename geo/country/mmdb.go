package country

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/atoll-mesh/atoll/geo/place"
)

// mostNetworks bounds the table that is made of a file; the largest known has a quarter of it.
const mostNetworks = 30_000_000

// record is what files of several makers have of a network.
type record struct {
	Code       string   `maxminddb:"country_code"`
	Country    named    `maxminddb:"country"`
	Registered named    `maxminddb:"registered_country"`
	Location   spot     `maxminddb:"location"`
	Lat        *float64 `maxminddb:"latitude"`
	Lon        *float64 `maxminddb:"longitude"`
}

type named struct {
	Code string `maxminddb:"iso_code"`
}

type spot struct {
	Lat *float64 `maxminddb:"latitude"`
	Lon *float64 `maxminddb:"longitude"`
}

// fromMMDB makes a table of the bytes of a file. It reads every network and every record; the library's own check is not asked, which
// refuses files of the largest maker of free ones for an empty description.
func fromMMDB(b []byte) (*Table, error) {
	file, err := maxminddb.OpenBytes(b)
	if err != nil {
		return nil, fmt.Errorf("no mmdb file, or cut short: %w", err)
	}
	t := &Table{kind: fmt.Sprintf("%s, %s", file.Metadata.DatabaseType, file.Metadata.BuildTime().UTC().Format("2006-01-02")), places: make([]Place, 1)}
	gather := gatherer{table: t, records: make(map[uintptr]uint16), places: make(map[Place]uint16), own: make(map[string]Place)}
	for _, p := range Embedded().places[1:] {
		gather.own[p.Country] = p
	}
	networks := 0
	for one := range file.Networks() {
		if networks++; networks > mostNetworks {
			return nil, fmt.Errorf("mmdb file with more than %d networks", mostNetworks)
		}
		if err := gather.add(one); err != nil {
			return nil, err
		}
	}
	if len(t.places) == 1 {
		return nil, fmt.Errorf("mmdb file of type %q tells neither countries nor places", file.Metadata.DatabaseType)
	}
	t.v4.trim()
	t.v6.trim()
	return t, nil
}

// gatherer turns records into places; each record is read once.
type gatherer struct {
	table   *Table
	records map[uintptr]uint16
	places  map[Place]uint16
	own     map[string]Place // coordinates of countries
}

func (g *gatherer) add(network maxminddb.Result) error {
	if err := network.Err(); err != nil {
		return fmt.Errorf("mmdb file is broken: %w", err)
	}
	at, known := g.records[network.Offset()]
	if !known {
		var r record
		if err := network.Decode(&r); err != nil {
			var other maxminddb.UnmarshalTypeError
			if !errors.As(err, &other) {
				return fmt.Errorf("mmdb file is broken: %w", err)
			}
			r = record{} // another kind of file has other things under these names
		}
		at = g.index(g.place(r))
		g.records[network.Offset()] = at
	}
	prefix := network.Prefix()
	if prefix.Addr().Is4() {
		first := prefix.Addr().As4()
		start := binary.BigEndian.Uint32(first[:])
		g.table.v4.block(start, start|uint32(math.MaxUint32>>prefix.Bits()), at)
		return nil
	}
	if prefix.Bits() > 64 {
		return nil
	}
	first := prefix.Addr().As16()
	start := binary.BigEndian.Uint64(first[:8])
	g.table.v6.block(start, start|uint64(math.MaxUint64>>prefix.Bits()), at)
	return nil
}

func (g *gatherer) place(r record) Place {
	code := r.Code
	for _, next := range []string{r.Country.Code, r.Registered.Code} {
		if code == "" {
			code = next
		}
	}
	code = strings.ToUpper(code)
	if len(code) != 2 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		code = ""
	}
	p, known := g.own[code]
	if !known {
		p = Place{Country: strings.Clone(code)}
	}
	at := r.Location
	if at.Lat == nil || at.Lon == nil {
		at = spot{r.Lat, r.Lon}
	}
	if at.Lat != nil && at.Lon != nil && math.Abs(*at.Lat) <= 90 && math.Abs(*at.Lon) <= 180 {
		p.Location, p.Located = place.Location{Lat: math.Round(*at.Lat), Lon: math.Round(*at.Lon)}, true
	}
	return p
}

func (g *gatherer) index(p Place) uint16 {
	if p == (Place{}) {
		return 0
	}
	if at, known := g.places[p]; known {
		return at
	}
	if len(g.table.places) > math.MaxUint16 {
		// More whole degrees than there is land: what is left has its country's own place.
		if own := g.own[p.Country]; own != p {
			return g.index(own)
		}
		return 0
	}
	at := uint16(len(g.table.places))
	g.table.places, g.places[p] = append(g.table.places, p), at
	return at
}
