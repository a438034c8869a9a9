package simnet

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNATBehaviours(t *testing.T) {
	// A host behind a NAT sends to x:1. Then: which port does it show to x:2 and to y:1, and who of them gets through to
	// the port that x:1 saw?
	for name, c := range map[string]struct {
		cfg                NATConfig
		sameX2, sameY      bool
		fromX2, fromY, out bool // out: from who was never sent to
	}{
		"full cone":                {NATConfig{EndpointIndependent, EndpointIndependent, 0, false}, true, true, true, true, true},
		"restricted":               {NATConfig{EndpointIndependent, AddressDependent, 0, false}, true, true, true, false, false},
		"port restricted":          {NATConfig{EndpointIndependent, AddressAndPortDependent, 0, false}, true, true, false, false, false},
		"symmetric":                {NATConfig{AddressAndPortDependent, AddressAndPortDependent, 0, false}, false, false, false, false, false},
		"mapping by address":       {NATConfig{AddressDependent, AddressDependent, 0, false}, true, false, true, false, false},
		"symmetric, no filter":     {NATConfig{AddressAndPortDependent, EndpointIndependent, 0, false}, false, false, true, true, true},
		"symmetric, address alone": {NATConfig{AddressAndPortDependent, AddressDependent, 0, false}, false, false, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, 1, func(t *testing.T, n *Network) {
				x, y := n.Host("192.0.2.1"), n.Host("192.0.2.2")
				nat := n.NAT("203.0.113.1", c.cfg)
				inside := packets(t, nat.Host("10.0.0.7"), ":7")
				x1, x2, y1 := packets(t, x, ":1"), packets(t, x, ":2"), packets(t, y, ":1")
				seen := func(by *PacketConn) string {
					sendTo(t, inside, by.LocalAddr(), []byte("hello"))
					got := collect(t, by, time.Second)
					if len(got) != 1 {
						t.Fatalf("%v did not hear it: %v", by.LocalAddr(), got)
					}
					return got[0].from
				}
				reaches := func(from *PacketConn, to string) bool {
					sendTo(t, from, must(net.ResolveUDPAddr("udp", to)), []byte("hey"))
					return len(collect(t, inside, time.Second)) == 1
				}
				first := seen(x1)
				if first != "203.0.113.1:20000" {
					t.Errorf("first seen as %s", first)
				}
				if !reaches(x1, first) {
					t.Error("no answer gets in")
				}
				if got := reaches(x2, first); got != c.fromX2 {
					t.Errorf("another port of a known address: %v", got)
				}
				if got := reaches(y1, first); got != c.fromY {
					t.Errorf("another address: %v", got)
				}
				if got := seen(x2) == first; got != c.sameX2 {
					t.Errorf("same port towards another port: %v", got)
				}
				if got := seen(y1) == first; got != c.sameY {
					t.Errorf("same port towards another address: %v", got)
				}
				if got := reaches(packets(t, n.Host("192.0.2.3"), ":1"), first); got != c.out {
					t.Errorf("a stranger: %v", got)
				}
				if reaches(x1, "203.0.113.1:30000") {
					t.Error("a port without mapping lets through")
				}
			})
		})
	}
}

func TestNATForgets(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		x := n.Host("192.0.2.1")
		nat := n.NAT("203.0.113.1", NATConfig{Timeout: 30 * time.Second})
		cx, inside := packets(t, x, ":1"), packets(t, nat.Host("10.0.0.7"), ":7")
		hello := func() *net.UDPAddr {
			sendTo(t, inside, cx.LocalAddr(), []byte("hello"))
			_, from, err := cx.ReadFrom(make([]byte, 9))
			return must(from.(*net.UDPAddr), err)
		}
		first := hello()
		time.Sleep(29 * time.Second) // virtual
		if hello().String() != first.String() {
			t.Error("a live mapping changed")
		}
		time.Sleep(29 * time.Second)
		sendTo(t, cx, first, []byte("x"))
		if len(collect(t, inside, time.Second)) != 1 {
			t.Error("forgot too early")
		}
		sendTo(t, cx, first, []byte("x")) // 30 s after the last packet from inside: packets from outside keep nothing open
		if len(collect(t, inside, time.Second)) != 0 || n.Stats(x, nat).Filtered != 1 {
			t.Error("remembers too long")
		}
		if hello().String() == first.String() {
			t.Error("a dead mapping came back")
		}
	})
}

func TestTwoHomesWithTheSameAddresses(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		cfg := NATConfig{Filtering: AddressAndPortDependent}
		one, two := n.NAT("203.0.113.1", cfg), n.NAT("203.0.113.2", cfg)
		n.Connect(one, two, Link{Delay: 30 * time.Millisecond})
		a, b := packets(t, one.Host("192.168.1.2"), ":5"), packets(t, two.Host("192.168.1.2"), ":5")
		neighbour := packets(t, one.Host("192.168.1.3"), ":5")
		// Each opens its own door for the other: the first packets cross and both get in.
		sendTo(t, a, &net.UDPAddr{IP: net.ParseIP("203.0.113.2"), Port: 20000}, []byte("from a"))
		sendTo(t, b, &net.UDPAddr{IP: net.ParseIP("203.0.113.1"), Port: 20000}, []byte("from b"))
		sendTo(t, neighbour, &net.UDPAddr{IP: net.ParseIP("192.168.1.2"), Port: 5}, []byte("near"))
		want := []arrival{{0, "near", "192.168.1.3:5"}, {30 * time.Millisecond, "from b", "203.0.113.2:20000"}}
		if diff := cmp.Diff(want, collect(t, a, 50*time.Millisecond), cmp.AllowUnexported(arrival{})); diff != "" {
			t.Error(diff)
		}
		if got := collect(t, b, time.Second); len(got) != 1 || got[0].from != "203.0.113.1:20000" {
			t.Errorf("%v", got)
		}
	})
}

func TestHairpin(t *testing.T) {
	for _, hairpin := range []bool{false, true} {
		in(t, 1, func(t *testing.T, n *Network) {
			nat := n.NAT("203.0.113.1", NATConfig{Hairpin: hairpin})
			a, b := packets(t, nat.Host("10.0.0.1"), ":1"), packets(t, nat.Host("10.0.0.2"), ":1")
			sendTo(t, a, &net.UDPAddr{IP: net.ParseIP("192.0.2.9"), Port: 9}, []byte("opens a port"))
			sendTo(t, b, &net.UDPAddr{IP: net.ParseIP("203.0.113.1"), Port: 20000}, []byte("round"))
			got := collect(t, a, time.Second)
			if (len(got) == 1) != hairpin || hairpin && got[0].from != "203.0.113.1:20001" {
				t.Errorf("hairpin %v: %v", hairpin, got)
			}
		})
	}
}

func TestStreamThroughTwoNATs(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		x := n.Host("192.0.2.1")
		carrier := n.NAT("203.0.113.1", NATConfig{Mapping: AddressAndPortDependent, Filtering: AddressAndPortDependent})
		home := carrier.NAT("100.64.0.5", NATConfig{Filtering: AddressAndPortDependent})
		n.Connect(carrier, x, Link{Delay: 25 * time.Millisecond})
		start := time.Now()
		client, server := streams(t, home.Host("192.168.0.2"), x)
		if d := time.Since(start); d != 75*time.Millisecond || server.RemoteAddr().String() != "203.0.113.1:20000" {
			t.Errorf("%v after %v", server.RemoteAddr(), d)
		}
		must(server.Write([]byte("in")))
		check(t, server.Close())
		if b, err := io.ReadAll(client); string(b) != "in" || err != nil {
			t.Errorf("%q %v", b, err)
		}
		// Nobody outside can open one.
		if _, err := x.Dial("tcp", "203.0.113.1:20000"); err == nil {
			t.Error("opened from outside")
		}
	})
}
