package country

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/geo/place"
)

// TestForms reads the records of the makers whose files are used.
func TestForms(t *testing.T) {
	m := newMMDB("Some-City")
	m.set(t, "16.0.0.0/8", dict{{"country_code", "DE"}})                                                                                 // ip-location-db, country
	m.set(t, "17.0.0.0/8", dict{{"country", dict{{"iso_code", "FR"}}}, {"registered_country", dict{{"iso_code", "US"}}}})                // GeoLite2, country
	m.set(t, "18.0.0.0/16", dict{{"registered_country", dict{{"iso_code", "JP"}}}})                                                      // the same, of nowhere
	m.set(t, "19.0.0.0/24", dict{{"country", dict{{"iso_code", "US"}}}, {"location", dict{{"latitude", 37.75}, {"longitude", -122.4}}}}) // city
	m.set(t, "20.0.0.0/9", dict{{"country_code", "us"}, {"latitude", float32(41.9)}, {"longitude", float32(-87.6)}})                     // ip-location-db, city
	m.set(t, "21.0.0.0/8", dict{{"country_code", "QQ"}})
	m.set(t, "22.0.0.0/8", dict{{"country_code", "Germany"}, {"latitude", 1000.0}, {"longitude", 0.0}})
	m.set(t, "23.0.0.0/8", dict{{"city", "nowhere"}})
	m.set(t, "2001:db8::/32", dict{{"country_code", "DE"}})
	m.set(t, "2001:db9:0:1:8000::/65", dict{{"country_code", "FR"}})
	table, err := fromMMDB(m.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	if table.String() != "Some-City, 2026-05-28" {
		t.Errorf("it calls itself %q", table)
	}
	berlin := Place{"DE", place.Location{Lat: 52.5, Lon: 13.37}, true}
	for _, c := range []struct {
		addr, network string
		want          Place
	}{
		{"16.1.2.3", "16.0.0.0/8", berlin},
		{"17.1.2.3", "17.0.0.0/8", Place{"FR", place.Location{Lat: 48.87, Lon: 2.33}, true}},
		{"18.0.3.4", "18.0.0.0/16", Place{"JP", place.Location{Lat: 35.65, Lon: 139.74}, true}},
		{"18.1.3.4", "18.1.0.0/16", Place{}},
		{"19.0.0.1", "19.0.0.0/24", Place{"US", place.Location{Lat: 38, Lon: -122}, true}},
		{"20.1.1.1", "20.0.0.0/9", Place{"US", place.Location{Lat: 42, Lon: -88}, true}},
		{"21.0.0.1", "21.0.0.0/8", Place{Country: "QQ"}},
		{"22.0.0.1", "22.0.0.0/7", Place{}},
		{"2001:db8:1::", "2001:db8::/32", berlin},
		{"2001:db9:0:1:8000::", "2001:db9::/32", Place{}},
	} {
		got, network := table.Lookup(netip.MustParseAddr(c.addr))
		if got.Country != c.want.Country || got.Located != c.want.Located || place.Distance(got.Location, c.want.Location) > 20_000 || network.String() != c.network {
			t.Errorf("%s: %+v in %v, want %+v in %s", c.addr, got, network, c.want, c.network)
		}
	}
	v4, v6 := netip.MustParseAddr("19.0.0.1"), netip.MustParseAddr("2001:db8:1::")
	if n := testing.AllocsPerRun(100, func() { table.Lookup(v4); table.Lookup(v6) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRefused(t *testing.T) {
	good := newMMDB("Country")
	for _, network := range []string{"16.0.0.0/8", "17.0.0.0/8", "2001:db8::/32"} {
		good.set(t, network, dict{{"country_code", "DE"}, {"names", []any{strings.Repeat("x", 200), network}}})
	}
	whole := good.bytes(t)
	if _, err := fromMMDB(whole); err != nil {
		t.Fatalf("the whole file: %v", err)
	}
	numbers := newMMDB("GeoLite2-ASN")
	numbers.set(t, "16.0.0.0/8", dict{{"autonomous_system_number", uint32(64500)}})
	other := newMMDB("Strange")
	other.set(t, "16.0.0.0/8", dict{{"country", "Germany"}, {"location", []any{"here"}}})
	other.set(t, "17.0.0.0/8", "DE")
	hole := append([]byte(nil), whole[:60]...)
	hole = append(hole, whole[300:]...)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":             {nil, "no mmdb file"},
		"text":              {[]byte("a,b,DE\n"), "no mmdb file"},
		"half":              {whole[:len(whole)/2], "no mmdb file"},
		"last byte missing": {whole[:len(whole)-1], "mmdb file"},
		"hole":              {hole, "mmdb file is broken"},
		"numbers":           {numbers.bytes(t), `of type "GeoLite2-ASN" tells neither countries nor places`},
		"other fields":      {other.bytes(t), `of type "Strange" tells neither`},
		"no networks":       {newMMDB("Country").bytes(t), "tells neither"},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := fromMMDB(c.b)
			if err == nil {
				t.Fatalf("taken: %v", table)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("refused with %q, want %q", err, c.want)
			}
		})
	}
	for cut := range whole {
		if table, err := fromMMDB(whole[:cut]); err == nil {
			t.Fatalf("the first %d of %d bytes are taken: %v", cut, len(whole), table)
		}
	}
}

// FuzzMMDB: whatever a file holds, it is a table or an error.
func FuzzMMDB(f *testing.F) {
	f.Add([]byte("\xab\xcd\xefMaxMind.com"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if table, err := fromMMDB(b); err == nil {
			table.Lookup(netip.MustParseAddr("16.0.0.1"))
		}
	})
}
