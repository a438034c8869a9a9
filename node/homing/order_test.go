package homing

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/geo/country"
	"github.com/atoll-mesh/atoll/geo/place"
)

// TestOrder asks for the addresses of the committed table, from one address and from the network around it.
func TestOrder(t *testing.T) {
	text, err := os.ReadFile("../../geo/place/testdata/order.txt")
	if err != nil {
		t.Fatal(err)
	}
	var nodes []place.Node
	d := New(country.Embedded(), func() []place.Node { return nodes })
	addresses, countries := 0, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case fields[0] == "node":
			n := place.Node{Name: fields[1], Located: true}
			if _, err := fmt.Sscanf(fields[2], "%f,%f", &n.Location.Lat, &n.Location.Lon); err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, n)
		default:
			addr := netip.MustParseAddr(fields[0])
			addresses, countries[fields[1]] = addresses+1, true
			if where, _ := country.Embedded().Lookup(addr); where.Country != fields[1] {
				t.Errorf("%v is in %q, want %q", addr, where.Country, fields[1])
			}
			var got []string
			for _, n := range d.Nearest(addr, 3) {
				got = append(got, n.Name)
			}
			if !slices.Equal(got, fields[2:]) {
				t.Errorf("%v is sent to %v, want %v", addr, got, fields[2:])
			}
		}
	}
	if len(nodes) != 3 || addresses != 20 || len(countries) != 10 {
		t.Errorf("%d nodes, %d addresses, %d countries", len(nodes), addresses, len(countries))
	}
}
