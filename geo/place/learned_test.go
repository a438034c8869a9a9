package place

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestLearnedIsOfTheNeighbourhood(t *testing.T) {
	l := NewLearned(10)
	l.Observe(noon, netip.MustParseAddr("192.0.2.7"), "b", ms(20))
	l.Observe(noon, netip.MustParseAddr("::ffff:192.0.2.9"), "a", ms(30))
	l.Observe(noon, netip.MustParseAddr("2001:db8:1:2::1"), "a", ms(40))
	for addr, want := range map[string][]Trip{
		"192.0.2.200":     {{"a", ms(30)}, {"b", ms(20)}},
		"192.0.3.7":       nil,
		"2001:db8:1:ff::": {{"a", ms(40)}},
		"2001:db8:2::1":   nil,
	} {
		if got := l.Trips(noon, netip.MustParseAddr(addr)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if got := l.Trips(noon, netip.Addr{}); got != nil {
		t.Errorf("of no address: %v", got)
	}
}

// TestOneLiarMovesLittle reports nonsense from one of many.
func TestOneLiarMovesLittle(t *testing.T) {
	l, addr := NewLearned(10), netip.MustParseAddr("192.0.2.7")
	for range 20 {
		l.Observe(noon, addr, "a", ms(40))
	}
	l.Observe(noon, addr, "a", 1)
	if got := l.Trips(noon, addr)[0].RTT; got < ms(30) || got > ms(40) {
		t.Errorf("one report of nothing makes 40 ms %v", got)
	}
	for range 20 {
		l.Observe(noon, addr, "a", ms(80))
	}
	if got := l.Trips(noon, addr)[0].RTT; got < ms(79) || got > ms(80) {
		t.Errorf("what everybody measures now is 80 ms, believed is %v", got)
	}
	for _, bad := range []time.Duration{0, -1, longestTrip + 1} {
		l.Observe(noon, addr, "b", bad)
	}
	if got := l.Trips(noon, addr); len(got) != 1 {
		t.Errorf("impossible round trips are kept: %v", got)
	}
}

func TestLearnedIsForgotten(t *testing.T) {
	l, addr := NewLearned(2), netip.MustParseAddr("192.0.2.7")
	l.Observe(noon, addr, "a", ms(40))
	l.Observe(noon.Add(time.Hour), addr, "b", ms(50))
	if got := l.Trips(noon.Add(remembered), addr); len(got) != 1 || got[0].Node != "b" {
		t.Errorf("a day later: %v", got)
	}
	l.Observe(noon.Add(remembered), addr, "a", ms(80))
	if got := l.Trips(noon.Add(remembered), addr); got[0].RTT != ms(80) {
		t.Errorf("what was forgotten still counts: %v", got)
	}
	l.Observe(noon, netip.MustParseAddr("192.0.3.7"), "a", ms(40))
	l.Observe(noon, addr, "c", ms(40))
	l.Observe(noon, netip.MustParseAddr("192.0.4.7"), "a", ms(40))
	if l.Trips(noon, netip.MustParseAddr("192.0.3.7")) != nil || l.Trips(noon, addr) == nil || l.Len() != 2 {
		t.Error("the network measured longest ago should have made room")
	}
}

func TestLearnedIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		l, now := NewLearned(limit), noon
		for range rapid.IntRange(0, 200).Draw(t, "reports") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "later")))
			addr := netip.AddrFrom4([4]byte{10, 0, rapid.ByteRange(0, 9).Draw(t, "network"), rapid.Byte().Draw(t, "host")})
			rtt := time.Duration(rapid.Int64Range(1, int64(longestTrip)).Draw(t, "rtt"))
			l.Observe(now, addr, fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "node")), rtt)
			trips := l.Trips(now, addr)
			if len(trips) == 0 || len(trips) > mostTrips || l.Len() > limit || len(l.by) != l.Len() {
				t.Fatalf("%d trips, %d of %d networks, %d known", len(trips), l.Len(), limit, len(l.by))
			}
			if !slices.IsSortedFunc(trips, func(a, b Trip) int { return map[bool]int{true: -1, false: 1}[a.Node < b.Node] }) {
				t.Fatalf("out of order: %v", trips)
			}
			for _, one := range trips {
				if one.RTT <= 0 || one.RTT > longestTrip {
					t.Fatalf("round trip of %v", one.RTT)
				}
			}
		}
	})
}
