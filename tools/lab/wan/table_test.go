package wan_test

import (
	"net/netip"
	"testing"

	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

func table() *wan.Table {
	return wan.NewTable(map[string][]netip.Prefix{
		"eu": {netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")},
		"us": {netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("fd00:2::/32")},
		"dc": {netip.MustParsePrefix("10.1.7.0/24")},
	})
}

func TestLongestPrefixDecides(t *testing.T) {
	for address, want := range map[string]string{
		"10.1.1.10": "eu", "10.1.7.10": "dc", "10.2.200.1": "us", "fd00:2:1::10": "us", "10.3.1.1": "", "::1": "",
	} {
		if got, _ := table().Place(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s belongs to %q, want %q", address, got, want)
		}
	}
}

func TestDestination(t *testing.T) {
	four := make([]byte, 20)
	four[0] = 0x45
	copy(four[16:], []byte{10, 2, 1, 10})
	six := make([]byte, 40)
	six[0] = 0x60
	want6 := netip.MustParseAddr("fd00:1:1::10")
	copy(six[24:], want6.AsSlice())
	if got, ok := wan.Destination(four); !ok || got != netip.MustParseAddr("10.2.1.10") {
		t.Errorf("version 4: %v %v", got, ok)
	}
	if got, ok := wan.Destination(six); !ok || got != want6 {
		t.Errorf("version 6: %v %v", got, ok)
	}
	for name, p := range map[string][]byte{"empty": nil, "short 4": four[:19], "short 6": six[:39], "version 5": append([]byte{0x50}, four[1:]...)} {
		if _, ok := wan.Destination(p); ok {
			t.Errorf("%s packet has a destination", name)
		}
	}
}

func FuzzDestination(f *testing.F) {
	f.Add([]byte{0x45})
	f.Add(make([]byte, 40))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if a, ok := wan.Destination(packet); ok {
			table().Place(a)
		}
	})
}
