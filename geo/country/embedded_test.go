package country

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestEmbedded looks up addresses whose country everybody knows: public resolvers, root servers, universities, carriers.
func TestEmbedded(t *testing.T) {
	for _, c := range []struct{ addr, country string }{
		{"141.20.1.1", "DE"},
		{"193.0.0.1", "NL"},
		{"130.59.31.80", "CH"},
		{"128.93.162.84", "FR"},
		{"151.1.1.1", "IT"},
		{"193.166.3.2", "FI"},
		{"158.38.0.1", "NO"},
		{"18.9.22.69", "US"},
		{"142.103.59.223", "CA"},
		{"200.160.2.3", "BR"},
		{"133.11.0.1", "JP"},
		{"143.248.5.153", "KR"},
		{"202.12.29.175", "AU"},
		{"103.224.182.1", "AU"},
		{"196.25.1.1", "ZA"},
		{"2a01:e0a::1", "FR"},
		{"2001:638::1", "DE"},
		{"2001:200:0:8002::1", "JP"},
		{"2001:268::1", "JP"},
		{"2001:2d8::1", "KR"},
		{"2001:388::1", "AU"},
		{"2804:14c::1", "BR"},
		{"10.1.2.3", ""},
		{"127.0.0.1", ""},
		{"192.168.0.1", ""},
		{"::1", ""},
		{"fe80::1%eth0", ""},
		{"fd00::1", ""},
		{"0.0.0.0", ""},
		{"255.255.255.255", ""},
		{"::ffff:141.20.1.1", "DE"},
	} {
		got, around := Embedded().Lookup(netip.MustParseAddr(c.addr))
		if got.Country != c.country || got.Located != (c.country != "") {
			t.Errorf("%s: %+v %v, want %q", c.addr, got, around, c.country)
		}
	}
}

func TestEmbeddedSize(t *testing.T) {
	e := Embedded()
	if len(inside) > 2_500_000 {
		t.Errorf("the packed table has %d bytes", len(inside))
	}
	if len(e.v4.start) < 200_000 || len(e.v6.start) < 50_000 || len(e.places) < 240 {
		t.Errorf("%d ranges of IPv4, %d of IPv6, %d places: some are missing", len(e.v4.start), len(e.v6.start), len(e.places))
	}
	t.Logf("%s: %d bytes packed, %d ranges of IPv4, %d of IPv6, %d places", e, len(inside), len(e.v4.start), len(e.v6.start), len(e.places))
	if !strings.Contains(Attribution, "nro.net") || !strings.Contains(Attribution, "creativecommons.org/licenses/by/4.0") {
		t.Error("the licence asks for an attribution")
	}
}

// TestLookupPrefix looks at both ends of the network that comes with an answer, and just outside of its parent.
func TestLookupPrefix(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		var addr netip.Addr
		if i%2 == 0 {
			addr = netip.AddrFrom4([4]byte{byte(r.IntN(224)), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
		} else {
			addr = netip.AddrFrom16([16]byte{0x20 + byte(r.IntN(16)), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 15: 1})
		}
		got, around := Embedded().Lookup(addr)
		if !around.Contains(addr) {
			t.Fatalf("%v is not in %v", addr, around)
		}
		for _, other := range []netip.Addr{around.Addr(), last(around)} {
			if !other.IsGlobalUnicast() || other.IsPrivate() {
				continue // it is by itself
			}
			if same, again := Embedded().Lookup(other); same != got || again != around {
				t.Fatalf("%v: %v %v, but %v in it: %v %v", addr, got, around, other, same, again)
			}
		}
	}
}

// TestFind compares with looking at every number of a small space.
func TestFind(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var table ranges[uint32]
		for x := r.Uint32N(9); x < 64; x += 1 + r.Uint32N(9) {
			table.add(x, uint16(r.IntN(3)))
		}
		at := func(x uint32) uint16 { a, _ := table.find(x); return a }
		for x := range uint32(64) {
			got, length := table.find(x)
			block := func(length int) (all []uint32) {
				for y := range uint32(64) {
					if length > 26 && y>>(32-length) == x>>(32-length) {
						all = append(all, y)
					}
				}
				return all
			}
			same := func(all []uint32) bool {
				return !slices.ContainsFunc(all, func(y uint32) bool { return at(y) != got })
			}
			if length > 26 && (!same(block(length)) || length > 27 && same(block(length-1))) {
				t.Fatalf("%v: %d has %d in a block of %d bits", table, x, got, length)
			}
		}
	}
}

func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestLookupAllocatesNothing(t *testing.T) {
	table, v4, v6 := Embedded(), netip.MustParseAddr("141.1.1.1"), netip.MustParseAddr("2001:638::1")
	if n := testing.AllocsPerRun(100, func() { table.Lookup(v4); table.Lookup(v6) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestParseRefuses(t *testing.T) {
	plain := []byte(magic + "\x01\x35\x29\x99" + "\x00\x01DE\x14\x82\x05\x39" +
		"\x00\x00\x00\x02\x80\x80\x80\x80\x01\x01\x01\x00" + "\x00\x00\x00\x01\x07\x01")
	packed := func(b []byte) []byte {
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
		_, _ = w.Write(b)
		_ = w.Close()
		return out.Bytes()
	}
	if _, err := Parse(packed(plain)); err != nil {
		t.Fatalf("the table itself: %v", err)
	}
	for name, b := range map[string][]byte{
		"nothing":    nil,
		"no gzip":    []byte("atoll country 1\n"),
		"packed cut": inside[:len(inside)/2],
		"checksum":   append(bytes.Clone(inside[:len(inside)-8]), make([]byte, 8)...),
		"another":    packed([]byte("something else altogether")),
		"header":     packed(plain[:20]),
		"cut":        packed(plain[:len(plain)-1]),
		"long":       packed(append(bytes.Clone(plain), 0)),
		"no country": packed(append(bytes.Clone(plain[:len(plain)-1]), 2)),
		"no order":   packed(bytes.Replace(plain, []byte("\x80\x01\x01\x01\x00"), []byte("\x80\x01\x00\x01\x00"), 1)),
		"too many":   packed(bytes.Replace(plain, []byte("\x00\x00\x00\x02"), []byte("\xff\x00\x00\x02"), 1)),
	} {
		t.Run(name, func(t *testing.T) {
			if table, err := Parse(b); err == nil {
				t.Errorf("taken: %v", table)
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, text := range []string{"141.1.1.1", "2001:638::1"} {
		b.Run(fmt.Sprint(text), func(b *testing.B) {
			addr := netip.MustParseAddr(text)
			for b.Loop() {
				Embedded().Lookup(addr)
			}
		})
	}
}
