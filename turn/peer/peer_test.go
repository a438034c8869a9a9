package peer

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func addrs(texts ...string) (all []netip.AddrPort) {
	for _, t := range texts {
		all = append(all, netip.MustParseAddrPort(t))
	}
	return all
}

var house = addrs("198.51.100.7:10000", "10.0.0.5:10000", "[2001:db8::7]:10000", "127.0.0.1:10001", "224.0.0.1:10000", "0.0.0.0:10000", "9.9.9.9:0")

func TestMembersAloneByDefault(t *testing.T) {
	p := New(house, nil)
	for peer, want := range map[string]bool{
		"198.51.100.7:10000": true, "[::ffff:198.51.100.7]:10000": true, "10.0.0.5:10000": true, "[::ffff:10.0.0.5]:10000": true,
		"[2001:db8::7]:10000": true, "127.0.0.1:10001": true,
		"198.51.100.7:9090": false, "198.51.100.7:10001": false, "10.0.0.5:9090": false, "127.0.0.1:10000": false, "127.0.0.1:9090": false,
		"8.8.8.8:53": false, "[2606:4700::1111]:53": false, "10.0.0.6:10000": false,
		"[64:ff9b::10.0.0.5]:10000": false, "[2002:a00:5::]:10000": false, "[2001:db8::7%eth0]:10000": false,
		"224.0.0.1:10000": false, "0.0.0.0:10000": false, "9.9.9.9:0": false,
	} {
		if got := p.Relays(netip.MustParseAddrPort(peer)); got != want {
			t.Errorf("%s: %v, want %v", peer, got, want)
		}
	}
	for ip, want := range map[string]bool{"198.51.100.7": true, "::ffff:10.0.0.5": true, "8.8.8.8": false, "10.0.0.6": false, "224.0.0.1": false} {
		if got := p.Permits(netip.MustParseAddr(ip)); got != want {
			t.Errorf("a permission for %s: %v, want %v", ip, got, want)
		}
	}
	var nothing Policy
	if nothing.Relays(house[0]) || nothing.Permits(house[0].Addr()) {
		t.Error("the zero policy relays")
	}
}

// forbidden are addresses inside the house, in every spelling.
var forbidden = func() (all []string) {
	for _, v4 := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.6", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.1.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.192", "192.168.1.1", "198.18.0.1", "224.0.0.251", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200",
	} {
		b := netip.MustParseAddr(v4).As4()
		hex := fmt.Sprintf("%02x%02x:%02x%02x", b[0], b[1], b[2], b[3])
		not := fmt.Sprintf("%02x%02x:%02x%02x", ^b[0], ^b[1], ^b[2], ^b[3])
		all = append(all, v4, "::ffff:"+v4, "::"+v4, "64:ff9b::"+v4, "64:ff9b:1::"+v4, "2002:"+hex+"::1",
			"2001:0:"+hex+"::f7f7:f7f7", "2001:0:808:808::"+not, "2606:4700::5efe:"+v4, "2606:4700::200:5efe:"+v4)
	}
	return append(all, "::1", "::", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "100::1", "5f00::1", "3fff::1", "2001:20::1")
}()

// TestOpenWorldIsNotTheHouse opens everything: reserved addresses stay closed, the public ones open.
func TestOpenWorldIsNotTheHouse(t *testing.T) {
	p := New(house, prefixes("0.0.0.0/0", "::/0"))
	for _, text := range forbidden {
		ip := netip.MustParseAddr(text)
		if p.Permits(ip) && ip.Unmap() != house[3].Addr() { // a member's host
			t.Errorf("%s may be asked for", text)
		}
		if p.Relays(netip.AddrPortFrom(ip, 80)) {
			t.Errorf("%s is relayed to", text)
		}
	}
	for _, text := range []string{"8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1111", "172.32.0.1", "100.128.0.1", "168.63.129.17"} {
		if ip := netip.MustParseAddr(text); !p.Permits(ip) || !p.Relays(netip.AddrPortFrom(ip, 80)) {
			t.Errorf("%s is closed", text)
		}
		if p.Relays(netip.AddrPortFrom(netip.MustParseAddr(text), 0)) {
			t.Errorf("port 0 of %s is open", text)
		}
	}
}

// TestWhatIsNamedIsMeant opens ranges of the house by name.
func TestWhatIsNamedIsMeant(t *testing.T) {
	for _, c := range []struct {
		open string
		peer string
		want bool
	}{
		{"10.0.0.0/8", "10.1.2.3", true},
		{"10.1.0.0/16", "10.1.2.3", true},
		{"10.1.0.0/16", "10.2.2.3", false},
		{"::ffff:10.0.0.0/104", "10.1.2.3", true},
		{"8.0.0.0/5", "10.1.2.3", false}, // wider than 10.0.0.0/8
		{"127.0.0.0/8", "127.0.0.1", true},
		{"fd00::/8", "fd00::1", true},
		{"fd00::/8", "fd00:ec2::254", false},
		{"169.254.0.0/16", "169.254.1.1", true},
		{"169.254.0.0/16", "169.254.169.254", false},
		{"169.254.169.254/32", "169.254.169.254", true},
		{"224.0.0.0/4", "224.0.0.251", false},
		{"ff00::/8", "ff02::1", false},
		{"64:ff9b::/96", "64:ff9b::8.8.8.8", false},
		{"64:ff9b::/96 0.0.0.0/0", "64:ff9b::8.8.8.8", true},
		{"64:ff9b::/96 0.0.0.0/0", "64:ff9b::10.0.0.1", false},
		{"64:ff9b::/96 10.0.0.0/8", "64:ff9b::10.0.0.1", true},
		{"2002::/16 0.0.0.0/0", "2002:808:808::1", true},
		{"2002::/16 0.0.0.0/0", "2002:7f00:1::1", false},
	} {
		var ranges []netip.Prefix
		for _, text := range split(c.open) {
			ranges = append(ranges, netip.MustParsePrefix(text))
		}
		if got := New(nil, ranges).Relays(netip.AddrPortFrom(netip.MustParseAddr(c.peer), 80)); got != c.want {
			t.Errorf("%s with %s open: %v, want %v", c.peer, c.open, got, c.want)
		}
	}
}

func split(s string) (all []string) {
	for field := ""; ; {
		if n, _ := fmt.Sscan(s, &field); n == 0 {
			return all
		}
		all = append(all, field)
		s = s[min(len(field)+1, len(s)):]
	}
}

// TestSpellingsAgree: whatever is open, an address that is another spelling of a closed one is closed.
func TestSpellingsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v4 := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4")))
		ranges := prefixes("::/0")
		if rapid.Bool().Draw(t, "reserved too") {
			ranges = append(ranges, reserved...)
		}
		for range rapid.IntRange(0, 3).Draw(t, "ranges") {
			b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "range")
			ranges = append(ranges, netip.PrefixFrom(netip.AddrFrom4([4]byte(b)), rapid.IntRange(0, 32).Draw(t, "bits")))
		}
		p := New(nil, ranges)
		b := v4.As4()
		spellings := []string{
			fmt.Sprintf("::%v", v4), fmt.Sprintf("64:ff9b::%v", v4), fmt.Sprintf("64:ff9b:1::%v", v4), fmt.Sprintf("2002:%02x%02x:%02x%02x::1", b[0], b[1], b[2], b[3]),
			fmt.Sprintf("2001:0:808:808::%02x%02x:%02x%02x", ^b[0], ^b[1], ^b[2], ^b[3]), fmt.Sprintf("2a00::5efe:%v", v4),
		}
		for _, text := range spellings {
			if p.Permits(netip.MustParseAddr(text)) && !p.Permits(v4) {
				t.Fatalf("%s is open and %v is not, with %v", text, v4, ranges)
			}
		}
		if mapped := netip.AddrFrom16(v4.As16()); p.Permits(mapped) != p.Permits(v4) {
			t.Fatalf("%v and %v differ", mapped, v4)
		}
	})
}

func TestAskingTakesNoMemory(t *testing.T) {
	p := New(house, prefixes("0.0.0.0/0"))
	far := netip.MustParseAddrPort("8.8.8.8:53")
	if n := testing.AllocsPerRun(100, func() { p.Relays(house[0]); p.Relays(far) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
