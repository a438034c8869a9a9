package quota

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	home   = netip.MustParseAddr("192.0.2.1")
	office = netip.MustParseAddr("192.0.2.2")
	limits = Limits{User: 3, Address: 4, Total: 6, Addresses: 2, UserRate: 1000, AddressRate: 1500, Burst: time.Second, Requests: 4}
)

func open(t *testing.T, b *Book, user string, at netip.Addr, want error) *Share {
	t.Helper()
	s, err := b.Open(user, at)
	if !errors.Is(err, want) {
		t.Errorf("%s at %v: %v, want %v", user, at, err, want)
	}
	if fits := b.Fits(user, at); err != nil && !errors.Is(fits, want) {
		t.Errorf("%s at %v fits: %v, want %v", user, at, fits, want)
	}
	return s
}

func TestAllocations(t *testing.T) {
	b := NewBook(limits)
	first := open(t, b, "ann", home, nil)
	open(t, b, "ann", home, nil)
	open(t, b, "ann", office, nil)
	open(t, b, "ann", home, ErrUser)
	b.Close(first)
	open(t, b, "ann", netip.MustParseAddr("192.0.2.3"), ErrAddresses)
	open(t, b, "ann", home, nil)
	open(t, b, "ben", home, nil)
	open(t, b, "ben", home, nil)
	open(t, b, "eve", home, ErrAddress)
	open(t, b, "eve", netip.MustParseAddr("::ffff:192.0.2.1"), ErrAddress)
	open(t, b, "eve", netip.MustParseAddr("2001:db8::1"), nil)
	open(t, b, "eve", netip.MustParseAddr("2001:db8::2"), ErrTotal)
}

func TestOneSubscriberIsOneAddress(t *testing.T) {
	for a, b := range map[string]string{"2001:db8::1": "2001:db8::ffff:1", "192.0.2.1": "::ffff:192.0.2.1", "fe80::1%eth0": "fe80::2"} {
		if Counted(netip.MustParseAddr(a)) != Counted(netip.MustParseAddr(b)) {
			t.Errorf("%s and %s are two", a, b)
		}
	}
	if Counted(netip.MustParseAddr("2001:db8:0:1::1")) == Counted(netip.MustParseAddr("2001:db8::1")) {
		t.Error("two networks are one")
	}
}

// TestRatesAreShared: what one allocation takes is not there for another of the same user, nor of the same address.
func TestRatesAreShared(t *testing.T) {
	b := NewBook(limits)
	one, two, other := open(t, b, "ann", home, nil), open(t, b, "ann", home, nil), open(t, b, "ben", home, nil)
	if !one.Up(0, 600) || two.Up(0, 600) || !two.Up(0, 400) || one.Up(0, 1) {
		t.Error("a user has not 1000 bytes at once")
	}
	if !other.Up(0, 500) || other.Up(0, 100) {
		t.Error("an address has not 1500 bytes at once")
	}
	if !one.Down(0, 1000) {
		t.Error("one way takes from the other")
	}
	if one.Up(100*time.Millisecond, 101) || !one.Up(100*time.Millisecond, 100) {
		t.Error("100 ms are not 100 bytes")
	}
	if !one.Up(time.Hour, 1000) || one.Up(time.Hour, 1) {
		t.Error("an idle hour saves up more than a burst")
	}
	unbounded := NewBook(Limits{})
	s := open(t, unbounded, "ann", home, nil)
	if !s.Up(0, 1<<30) || !s.Down(0, 1<<30) {
		t.Error("there is a bound where none was set")
	}
}

func TestReplays(t *testing.T) {
	b := NewBook(limits)
	ann, eve := netip.AddrPortFrom(home, 5000), netip.AddrPortFrom(home, 5001)
	request := func(at time.Duration, id byte, from netip.AddrPort, want error) {
		t.Helper()
		if err := b.Request(at, [12]byte{id}, from); !errors.Is(err, want) {
			t.Errorf("request %d of %v after %v: %v, want %v", id, from, at, err, want)
		}
	}
	request(0, 1, ann, nil)
	request(time.Second, 1, ann, nil) // sent again
	request(time.Second, 1, eve, ErrReplay)
	request(remembered-1, 1, eve, ErrReplay)
	request(remembered, 1, eve, nil) // its nonce is stale by now
	for id := byte(2); id < 8; id++ {
		request(remembered, id, ann, nil)
	}
	if len(b.requests) > limits.Requests || len(b.order) != len(b.requests) {
		t.Errorf("%d of %d requests are remembered", len(b.requests), limits.Requests)
	}
	request(remembered, 7, eve, ErrReplay)
}

// TestNothingIsLeftBehind opens and closes in any order and counts beside it.
func TestNothingIsLeftBehind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := NewBook(limits)
		var shares []*Share
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			if len(shares) > 0 && rapid.Bool().Draw(t, "close") {
				k := rapid.IntRange(0, len(shares)-1).Draw(t, "which")
				b.Close(shares[k])
				shares = append(shares[:k], shares[k+1:]...)
				continue
			}
			user := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "user"))
			at := netip.AddrFrom4([4]byte{192, 0, 2, rapid.ByteRange(0, 3).Draw(t, "address")})
			if s, err := b.Open(user, at); err == nil {
				shares = append(shares, s)
			}
			users, addresses, both := map[string]int{}, map[netip.Addr]int{}, map[string]map[netip.Addr]bool{}
			for _, s := range shares {
				users[s.user]++
				addresses[s.client]++
				if both[s.user] == nil {
					both[s.user] = map[netip.Addr]bool{}
				}
				both[s.user][s.client] = true
			}
			for name, n := range users {
				if n > limits.User || len(both[name]) > limits.Addresses {
					t.Fatalf("%s has %d at %d addresses", name, n, len(both[name]))
				}
			}
			for at, n := range addresses {
				if n > limits.Address {
					t.Fatalf("%v has %d", at, n)
				}
			}
			if len(shares) > limits.Total || b.Total() != len(shares) {
				t.Fatalf("%d of %d", b.Total(), len(shares))
			}
		}
		for _, s := range shares {
			b.Close(s)
		}
		if b.Total() != 0 || len(b.users) != 0 || len(b.addresses) != 0 {
			t.Fatalf("left: %d, %v, %v", b.total, b.users, b.addresses)
		}
	})
}

func TestTakingTakesNoMemory(t *testing.T) {
	s := open(t, NewBook(limits), "ann", home, nil)
	if n := testing.AllocsPerRun(100, func() { s.Up(0, 1); s.Down(0, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestGate(t *testing.T) {
	g := NewGate(7, 10, 20)
	taken := func(at time.Duration, ip netip.Addr) (n int) {
		for g.Take(at, ip) {
			n++
		}
		return n
	}
	if n := taken(0, home); n != 20 {
		t.Errorf("%d requests at once, want 20", n)
	}
	if n := taken(time.Second, home); n != 10 {
		t.Errorf("%d requests in a second, want 10", n)
	}
	free := 0
	for k := range 1000 {
		if g.Take(time.Second, netip.AddrFrom4([4]byte{10, 0, byte(k >> 8), byte(k)})) {
			free++
		}
	}
	if free < 990 {
		t.Errorf("%d of 1000 other addresses are answered", free)
	}
}
