// Command country makes the table of countries that is inside of the program, geo/country/table.gz; the package comment of
// geo/country says how it is laid out.
//
//	npm install --no-save @ip-location-db/geo-whois-asn-country@2.3.2026061719 @ip-location-db/asn-country@2.3.2026061719
//	go run ./tools/country -csv node_modules/@ip-location-db -day 20260617
//
// Where ranges overlap, which some do, the one that begins later counts: as a rule it is a part of the other. The first package
// gives what APNIC has of 2001::/16 to Australia, where APNIC is: that is taken from the second.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atoll-mesh/atoll/geo/country"
)

func main() {
	folder := flag.String("csv", "node_modules/@ip-location-db", "folder with the two packages")
	zones := flag.String("zones", "/usr/share/zoneinfo/zone.tab", "zone.tab of the time zone database")
	day := flag.Uint("day", 0, "day of the data, yyyymmdd")
	out := flag.String("out", "geo/country/table.gz", "what to write")
	flag.Parse()
	if err := run(*folder, *zones, uint32(*day), *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder, zones string, day uint32, out string) error {
	tab, err := os.ReadFile(zones)
	if err != nil {
		return err
	}
	points, err := cities(string(tab))
	if err != nil {
		return err
	}
	var tables [2]steps
	for i, family := range []string{"ipv4", "ipv6"} {
		var layers [2]steps
		for j, name := range []string{"geo-whois-asn-country", "asn-country"} {
			path := filepath.Join(folder, name, name+"-"+family+".csv")
			if layers[j], err = load(path, []uint64{math.MaxUint32, math.MaxUint64}[i]); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		tables[i] = over(layers[0], layers[1])
	}
	packed, err := pack(day, points, tables[0], tables[1])
	if err != nil {
		return err
	}
	if _, err := country.Parse(packed); err != nil {
		return err
	}
	return os.WriteFile(out, packed, 0o644)
}

func load(path string, most uint64) (steps, error) {
	file, err := os.Open(path)
	if err != nil {
		return steps{}, err
	}
	rows, err := read(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return steps{}, err
	}
	return flat(rows, most), nil
}

// row is one range, both ends in it. IPv6 addresses are cut to their first 64 bits.
type row struct {
	first, last uint64
	country     string
}

func read(from io.Reader) ([]row, error) {
	lines := csv.NewReader(from)
	lines.FieldsPerRecord = 3
	var rows []row
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		first, err := netip.ParseAddr(line[0])
		if err != nil {
			return nil, err
		}
		last, err := netip.ParseAddr(line[1])
		if err != nil {
			return nil, err
		}
		r := row{number(first, false), number(last, true), line[2]}
		if last.Less(first) {
			return nil, fmt.Errorf("%s to %s is no range", first, last)
		}
		if len(rows) > 0 && first.Is4() && r.first < rows[len(rows)-1].first {
			return nil, fmt.Errorf("%s is out of order", first)
		}
		if r.first <= r.last { // some are a part of a network of 64 bits
			rows = append(rows, r)
		}
	}
}

// number returns an address as a number, IPv6 as that of its network. A network that a range has a part of only is none of
// it: then last is before first.
func number(a netip.Addr, last bool) uint64 {
	if a.Is4() {
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	switch {
	case last && low != math.MaxUint64:
		return high - 1
	case !last && low != 0:
		return high + 1
	}
	return high
}

// steps are what begins where: sorted, "" for no country.
type steps struct {
	starts    []uint64
	countries []string
}

func (s *steps) add(at uint64, name string) {
	if n := len(s.starts); n > 0 && s.starts[n-1] == at {
		s.starts, s.countries = s.starts[:n-1], s.countries[:n-1]
	}
	if n := len(s.countries); n == 0 && name == "" || n > 0 && s.countries[n-1] == name {
		return
	}
	s.starts, s.countries = append(s.starts, at), append(s.countries, name)
}

// at returns what holds at x.
func (s *steps) at(x uint64) string {
	i, exact := slices.BinarySearch(s.starts, x)
	switch {
	case exact:
		return s.countries[i]
	case i == 0:
		return ""
	}
	return s.countries[i-1]
}

// over returns what the upper steps say, and what the lower ones say where the upper say nothing, or nothing that is true.
func over(upper, lower steps) steps {
	starts := slices.Concat(upper.starts, lower.starts)
	slices.Sort(starts)
	var all steps
	for _, x := range slices.Compact(starts) {
		name := upper.at(x)
		if name == "" || name == "AU" && x>>48 == 0x2001 {
			name = lower.at(x)
		}
		all.add(x, name)
	}
	return all
}

// flat takes overlaps out of ranges.
func flat(rows []row, most uint64) steps {
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.first, b.first) })
	var all steps
	var open []row
	// until ends the ranges that end before x.
	until := func(x uint64) {
		for len(open) > 0 && open[len(open)-1].last < x {
			ended := open[len(open)-1].last
			open = slices.DeleteFunc(open, func(r row) bool { return r.last <= ended })
			below := ""
			if len(open) > 0 {
				below = open[len(open)-1].country
			}
			all.add(ended+1, below)
		}
	}
	for _, r := range rows {
		until(r.first)
		open = append(open, r)
		all.add(r.first, r.country)
	}
	until(most) // what reaches to the very end needs no end
	return all
}

func pack(day uint32, points map[string]point, v4, v6 steps) ([]byte, error) {
	var codes []string
	for code := range points {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	if len(codes) > math.MaxUint8 {
		return nil, fmt.Errorf("%d countries, at most 255", len(codes))
	}
	b := binary.BigEndian.AppendUint32([]byte("atoll country 1\n"), day)
	b = binary.BigEndian.AppendUint16(b, uint16(len(codes)))
	for _, code := range codes {
		b = append(b, code...)
		b = binary.BigEndian.AppendUint16(b, uint16(points[code].lat))
		b = binary.BigEndian.AppendUint16(b, uint16(points[code].lon))
	}
	for _, table := range []steps{v4, v6} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(table.starts)))
		var last uint64
		for _, start := range table.starts {
			b = binary.AppendUvarint(b, start-last)
			last = start
		}
		for _, name := range table.countries {
			at, known := slices.BinarySearch(codes, name)
			if name != "" && !known {
				return nil, fmt.Errorf("country %q has no point", name)
			}
			if known {
				b = append(b, byte(at+1))
			} else {
				b = append(b, 0)
			}
		}
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// point is a place in hundredths of a degree.
type point struct{ lat, lon int16 }

// chosen are zones that stand for their country instead of the first one in the table.
var chosen = map[string]string{
	"AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "EC": "America/Guayaquil", "ES": "Europe/Madrid",
	"KZ": "Asia/Almaty", "MN": "Asia/Ulaanbaatar", "NZ": "Pacific/Auckland", "PT": "Europe/Lisbon", "RU": "Europe/Moscow",
	"US": "America/Chicago", "UA": "Europe/Kyiv", "ID": "Asia/Jakarta", "PG": "Pacific/Port_Moresby",
}

// added are codes that the table of addresses has and zone.tab has not: Bouvet Island, Heard Island, the former Netherlands
// Antilles, Kosovo.
var added = map[string]point{"BV": {-5443, 340}, "HM": {-5310, 7352}, "AN": {1211, -6900}, "XK": {4267, 2117}}

// cities reads zone.tab: code, coordinates (ISO 6709), zone.
func cities(tab string) (map[string]point, error) {
	points := make(map[string]point)
	for code, p := range added {
		points[code] = p
	}
	for line := range strings.Lines(tab) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(fields) < 3 {
			continue
		}
		code := fields[0]
		if _, have := points[code]; have && chosen[code] != fields[2] {
			continue
		}
		p, err := coordinates(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fields[2], err)
		}
		points[code] = p
	}
	if len(points) == len(added) {
		return nil, errors.New("no zones")
	}
	return points, nil
}

// coordinates reads ±DDMM±DDDMM and ±DDMMSS±DDDMMSS.
func coordinates(text string) (point, error) {
	cut := strings.LastIndexAny(text, "+-")
	if cut < 1 {
		return point{}, fmt.Errorf("%q are no coordinates", text)
	}
	lat, err := angle(text[:cut], 2)
	if err != nil {
		return point{}, err
	}
	lon, err := angle(text[cut:], 3)
	return point{lat, lon}, err
}

func angle(text string, digits int) (int16, error) {
	var degrees, minutes, seconds int
	format := fmt.Sprintf("%%%dd%%2d%%2d", digits)
	if len(text) == 1+digits+2 {
		text += "00"
	}
	if _, err := fmt.Sscanf(text[1:], format, &degrees, &minutes, &seconds); err != nil {
		return 0, fmt.Errorf("%q is no angle: %w", text, err)
	}
	hundredths := int16(math.Round(100 * (float64(degrees) + float64(minutes)/60 + float64(seconds)/3600)))
	if text[0] == '-' {
		hundredths = -hundredths
	}
	return hundredths, nil
}
