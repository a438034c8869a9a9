package homing

import (
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/geo/country"
	"github.com/atoll-mesh/atoll/geo/place"
)

func nodes() []place.Node {
	return []place.Node{
		{Name: "ap", Location: place.Location{Lat: 1.35, Lon: 103.8}, Located: true},
		{Name: "eu", Location: place.Location{Lat: 50.1, Lon: 8.7}, Located: true},
		{Name: "us", Location: place.Location{Lat: 39, Lon: -77.5}, Located: true},
	}
}

func TestNearest(t *testing.T) {
	d := New(country.Embedded(), nodes)
	for addr, want := range map[string]string{"141.20.1.1": "eu", "18.9.22.69": "us", "133.11.0.1": "ap", "2001:638::1": "eu", "::ffff:18.9.22.69": "us"} {
		if got := d.Nearest(netip.MustParseAddr(addr), 3); len(got) != 3 || got[0].Name != want {
			t.Errorf("%s: %v, want %s first", addr, got, want)
		}
	}
	if got := d.Nearest(netip.Addr{}, 3); len(got) != 3 {
		t.Errorf("of no address: %v", got)
	}
}

// TestLearn: what a page measures counts more than the map, for its neighbours, for a day, and of nodes that there are.
func TestLearn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(country.Embedded(), nodes)
		berlin, neighbour, other := netip.MustParseAddr("141.20.1.1"), netip.MustParseAddr("141.20.1.200"), netip.MustParseAddr("141.20.2.1")
		d.Learn(berlin, "ap", 5*time.Millisecond)
		d.Learn(berlin, "xx", time.Millisecond)
		if got := d.Nearest(neighbour, 1); got[0].Name != "ap" {
			t.Errorf("the neighbour is sent to %s", got[0].Name)
		}
		if got := d.Nearest(other, 1); got[0].Name != "eu" {
			t.Errorf("another network is sent to %s", got[0].Name)
		}
		if d.Networks() != 1 {
			t.Errorf("%d networks", d.Networks())
		}
		if client, bits := d.Locate(netip.MustParsePrefix("141.20.1.0/24")); bits != 24 || len(client.Trips) != 1 || client.Prefix.String() != "141.20.1.0/24" {
			t.Errorf("%+v for %d bits", client, bits)
		}
		time.Sleep(25 * time.Hour)
		if got := d.Nearest(neighbour, 1); got[0].Name != "eu" {
			t.Errorf("a day later the neighbour is sent to %s", got[0].Name)
		}
	})
}

// TestLocateDependsOnItsBits asks for addresses that share the bits.
func TestLocateDependsOnItsBits(t *testing.T) {
	d := New(country.Embedded(), nodes)
	for _, text := range []string{"141.20.1.1", "1.1.1.1", "10.1.2.3", "9.9.9.9", "2001:638::1", "fd00::1", "2001:268:ffff::"} {
		addr := netip.MustParseAddr(text)
		client, bits := d.Locate(netip.PrefixFrom(addr, addr.BitLen()))
		same, _ := addr.Prefix(bits)
		if least := map[bool]int{true: 16, false: 32}[addr.Is4()]; bits < least || bits > least+16 {
			t.Errorf("%v depends on %d bits", addr, bits)
		}
		if again, more := d.Locate(same); more != bits || again.Prefix != client.Prefix || again.Location != client.Location || again.Located != client.Located {
			t.Errorf("%v: %+v of %d bits, but %v: %+v of %d", addr, client, bits, same, again, more)
		}
	}
}

// TestNodesAreAskedForSometimes counts how often the list is made.
func TestNodesAreAskedForSometimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		d := New(country.Embedded(), func() []place.Node { asked++; return nodes() })
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { d.Nodes() })
		}
		all.Wait()
		time.Sleep(fresh + 1)
		d.Nodes()
		if asked != 2 {
			t.Errorf("asked %d times", asked)
		}
	})
}
