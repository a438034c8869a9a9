package member

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

var recordDiff = cmp.Options{cmp.AllowUnexported(record{}), cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()}

func drawAddr(t *rapid.T) netip.AddrPort {
	n := rapid.SampledFrom([]int{4, 16}).Draw(t, "length")
	b := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "ip")
	ip, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip, rapid.Uint16().Draw(t, "port"))
}

func drawRecord(t *rapid.T, name identity.Name) record {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("abcé-.0 ")), 0, 24, maxText)
	r := record{
		name: name, addr: drawAddr(t), boot: rapid.Uint64().Draw(t, "boot"), leaving: rapid.Bool().Draw(t, "leaving"),
		issued: rapid.Uint64().Draw(t, "issued"),
		meta: Meta{
			Link:  rapid.SliceOfN(rapid.Custom(drawAddr), 0, maxLinks).Draw(t, "links"),
			Media: rapid.SliceOfN(rapid.Custom(drawAddr), 0, maxMedia).Draw(t, "media"),
			TURN:  rapid.Uint16().Draw(t, "turn"), TURNS: rapid.Uint16().Draw(t, "turns"),
			URL:    rapid.StringOfN(rapid.RuneFrom([]rune("htps:/.[]0")), 0, maxURL, maxURL).Draw(t, "url"),
			Region: text.Draw(t, "region"), Build: text.Draw(t, "build"),
			Lat: rapid.Int16Range(-9000, 9000).Draw(t, "lat"), Lon: rapid.Int16Range(-18000, 18000).Draw(t, "lon"),
			Load: rapid.Byte().Draw(t, "load"), Drain: rapid.Bool().Draw(t, "drain"),
			Located: rapid.Bool().Draw(t, "located"), DNS: rapid.Bool().Draw(t, "dns"),
			Oldest: rapid.Uint16().Draw(t, "oldest"), Newest: rapid.Uint16().Draw(t, "newest"), Started: rapid.Uint64().Draw(t, "started"),
		},
	}
	if r.check() != nil {
		t.Skip("nobody says that")
	}
	return r
}

func TestRecordComesBackAsItWas(t *testing.T) {
	key := identity.NewKey()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t, key.Name())
		sealed, err := r.seal(key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := open(key.Name(), sealed)
		if d := cmp.Diff(r, got, recordDiff); err != nil || d != "" {
			t.Fatal(err, d)
		}
	})
}

func sample() record {
	return record{
		addr: addrPort("192.0.2.1:7946"), boot: 5, issued: 6, leaving: true,
		meta: Meta{
			Link:  []netip.AddrPort{addrPort("192.0.2.1:7947"), addrPort("[2001:db8::1]:7947")},
			Media: []netip.AddrPort{addrPort("192.0.2.1:10000")}, TURN: 3478, TURNS: 443, URL: "https://a.b", Located: true,
			Region: "eu", Build: "v1", Lat: 5012, Lon: -861, Load: 77, Drain: true, Oldest: 1, Newest: 2, Started: 4,
		},
	}
}

// TestLargestRecordFits has every field at its longest.
func TestLargestRecordFits(t *testing.T) {
	key := identity.NewKey()
	r := sample()
	r.addr = addrPort("[2001:db8::1]:7946")
	r.meta.Link = []netip.AddrPort{r.addr, r.addr, r.addr, r.addr}
	r.meta.Media = r.meta.Link
	r.meta.Region, r.meta.Build, r.meta.URL = strings.Repeat("x", maxText), strings.Repeat("x", maxText), strings.Repeat("x", maxURL)
	sealed, err := r.seal(key)
	if err != nil || len(sealed) > maxRecord {
		t.Errorf("%d bytes, %v", len(sealed), err)
	}
	t.Logf("largest %d bytes", len(sealed))
}

func TestEveryByteIsSigned(t *testing.T) {
	key := identity.NewKey()
	sealed := must(sample().seal(key))
	for i := range sealed {
		for _, bit := range []byte{1, 0x80} {
			b := bytes.Clone(sealed)
			b[i] ^= bit
			if _, err := open(key.Name(), b); err == nil {
				t.Errorf("byte %d can be changed", i)
			}
		}
	}
	if _, err := open(identity.NewKey().Name(), sealed); err == nil {
		t.Error("it is taken as another's")
	}
	if _, err := open(key.Name(), must(sample().seal(identity.NewKey()))); err == nil {
		t.Error("another's is taken as its own")
	}
}

func TestLaterVersionsMayAppend(t *testing.T) {
	key := identity.NewKey()
	sealed := must(sample().seal(key))
	b := append(sealed[:len(sealed)-64:len(sealed)-64], "what is not known yet"...)
	b = append(b, key.Sign(signed(b))...)
	got, err := open(key.Name(), b)
	want := sample()
	want.name = key.Name()
	if d := cmp.Diff(want, got, recordDiff); err != nil || d != "" {
		t.Error(err, d)
	}
	b[0] = 2
	b = append(b[:len(b)-64], key.Sign(signed(b[:len(b)-64]))...)
	if _, err := open(key.Name(), b); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("version 2: %v", err)
	}
}

func TestShortRecordIsRefused(t *testing.T) {
	key := identity.NewKey()
	sealed := must(sample().seal(key))
	old := len(sealed) - 64 - 12 // what older nodes say ends before the URL
	older := old - 12            // or before one address of media and two ports
	for end := 33; end < len(sealed)-64; end++ {
		if end == old || end == older {
			continue
		}
		b := append(sealed[:end:end], key.Sign(signed(sealed[:end]))...)
		if _, err := open(key.Name(), b); err == nil {
			t.Errorf("cut to %d bytes it is taken", end)
		}
	}
}

// TestWordForm holds the layout of the package comment.
func TestWordForm(t *testing.T) {
	key := identity.NewKey()
	want := append([]byte{1}, key.Public()...)
	want = append(want, 4, 192, 0, 2, 1, 0x1f, 0x0a)
	for _, v := range []uint64{5, 6, 4} {
		want = binary.BigEndian.AppendUint64(want, v)
	}
	want = append(want, 7, 77, 0x13, 0x94, 0xfc, 0xa3, 0, 1, 0, 2, 2, 'e', 'u', 2, 'v', '1', 2, 4, 192, 0, 2, 1, 0x1f, 0x0b,
		16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1f, 0x0b,
		1, 4, 192, 0, 2, 1, 0x27, 0x10, 0x0d, 0x96, 0x01, 0xbb,
		11, 'h', 't', 't', 'p', 's', ':', '/', '/', 'a', '.', 'b')
	want = append(want, key.Sign([]byte("atoll member metadata"+string(want)))...)
	if got := must(sample().seal(key)); !bytes.Equal(got, want) {
		t.Errorf("%x\nwant %x", got, want)
	}
}

func FuzzRecord(f *testing.F) {
	key := identity.NewKey()
	f.Add(must(sample().seal(key)))
	f.Add(must(record{addr: addrPort("[::1]:1")}.seal(key)))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			return
		}
		r.name = key.Name()
		sealed, err := r.seal(key)
		if err != nil {
			t.Fatalf("taken, and cannot be said: %v", err)
		}
		again, err := open(key.Name(), sealed)
		if d := cmp.Diff(r, again, recordDiff); err != nil || d != "" {
			t.Fatal(err, d)
		}
		if _, err := open(key.Name(), b); err == nil && !bytes.HasPrefix(b[1:], key.Public()) {
			t.Fatal("taken without the key's signature")
		}
	})
}

// TestOlderNodesAreUnderstood reads what nodes say that know nothing of media addresses, or of URLs.
func TestOlderNodesAreUnderstood(t *testing.T) {
	key := identity.NewKey()
	r := sample()
	r.meta.URL = ""
	r.name = key.Name()
	for _, missing := range []int{1, 6} { // the URL; the count and the two ports too
		b := must(r.seal(key))
		b = b[:len(b)-64-missing]
		b = append(b, key.Sign(signed(b))...)
		got, err := open(key.Name(), b)
		if d := cmp.Diff(r, got, recordDiff); err != nil || d != "" {
			t.Error(missing, err, d)
		}
		r.meta.Media, r.meta.TURN, r.meta.TURNS = nil, 0, 0
	}
}
