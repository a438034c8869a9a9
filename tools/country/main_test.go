package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/geo/country"
)

// TestPack makes a small table with everything that the real ones have: holes, neighbours, parts, double starts, both ends.
func TestPack(t *testing.T) {
	load := func(text string, most uint64) steps {
		rows, err := read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return flat(rows, most)
	}
	v4 := over(load("16.0.0.0,16.255.255.255,DE\n16.1.0.0,16.1.0.255,FR\n16.1.0.7,16.1.0.7,DE\n17.0.0.0,17.255.255.255,DE\n"+
		"17.0.0.0,17.0.255.255,JP\n223.0.0.0,255.255.255.255,US\n", 1<<32-1), load("16.0.0.0,20.255.255.255,BR\n", 1<<32-1))
	v6 := over(load("2001:200::,2001:3ff:ffff:ffff:ffff:ffff:ffff:ffff,AU\n2a00::,2a00::ffff,DE\n2a01::,2a01:0:0:1:7fff:ffff:ffff:ffff,FR\n"+
		"2b00::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,US\n", 1<<64-1), load("2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n", 1<<64-1))
	points, err := cities("# no line\nDE\t+5230+01322\tEurope/Berlin\nDE\t+4742+00841\tEurope/Busingen\nFR\t+4852+00220\tEurope/Paris\n" +
		"JP\t+353916+1394441\tAsia/Tokyo\nBR\t-0351-03225\tAmerica/Noronha\nBR\t-2332-04637\tAmerica/Sao_Paulo\n" +
		"US\t+404251-0740023\tAmerica/New_York\nUS\t+415100-0873900\tAmerica/Chicago\nAU\t-3352+15113\tAustralia/Sydney\n")
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]point{"DE": {5250, 1337}, "JP": {3565, 13974}, "BR": {-2353, -4662}, "US": {4185, -8765}} {
		if points[code] != want {
			t.Errorf("%s: %v, want %v", code, points[code], want)
		}
	}
	packed, err := pack(20260617, points, v4, v6)
	if err != nil {
		t.Fatal(err)
	}
	table, err := country.Parse(packed)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"15.255.255.255": "", "16.0.0.0": "DE", "16.0.255.255": "DE", "16.1.0.6": "FR", "16.1.0.7": "DE", "16.1.0.8": "FR", "16.1.1.0": "DE",
		"17.0.0.1": "JP", "17.1.0.0": "DE", "18.0.0.0": "BR", "20.255.255.255": "BR", "21.0.0.0": "", "223.255.255.255": "US",
		"2001:200::1": "JP", "2001:201::1": "", "2a00::1": "", "2a01::1": "FR", "2a01:0:0:1::1": "", "2bff::1": "US",
	} {
		if got, _ := table.Lookup(netip.MustParseAddr(addr)); got.Country != want {
			t.Errorf("%s: %q, want %q", addr, got.Country, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, text := range []string{"16.0.0.0,16.0.0.1\n", "16.0.0.0,x,DE\n", "16.0.0.9,16.0.0.1,DE\n", "17.0.0.0,17.0.0.1,DE\n16.0.0.0,16.0.0.1,DE\n"} {
		if rows, err := read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is %v", text, rows)
		}
	}
}
