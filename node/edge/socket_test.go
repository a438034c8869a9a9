package edge

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// On a machine with several addresses the answer comes from the one that was asked, in both address families.
func TestAnswersLeaveFromTheAddressThatWasAsked(t *testing.T) {
	e, err := Listen(Config{Listen: ":0", Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l, err := e.NewLeg(newRecorder(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"127.0.0.1", "127.0.0.2", "::1"} {
		conn, err := net.ListenUDP("udp", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		b := &bare{t: t, local: l.Local(), ufrag: "u", pwd: "p"}
		addr := netip.AddrPortFrom(netip.MustParseAddr(to), e.Addr().Port())
		if _, err := conn.WriteToUDPAddrPort(b.request(b.local.Pwd), addr); err != nil {
			if addr.Addr().Is6() {
				t.Logf("no IPv6 here: %v", err)
				continue
			}
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(patience))
		_, from, err := conn.ReadFromUDPAddrPort(make([]byte, 2000))
		if err != nil {
			t.Fatalf("%s: %v", to, err)
		}
		if got := netip.AddrPortFrom(from.Addr().Unmap(), from.Port()); got != addr {
			t.Errorf("asked %v, answered by %v", addr, got)
		}
	}
}

func TestAdvertisedAddressesAreTheCandidates(t *testing.T) {
	e, err := Listen(Config{Listen: "127.0.0.1:0", Advertise: []string{"192.0.2.1", "[2001:db8::1]:443", "::ffff:192.0.2.2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	port := e.Addr().Port()
	want := []Candidate{
		{netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port), 2130706431, "1"},
		{netip.MustParseAddrPort("[2001:db8::1]:443"), 2130706175, "2"},
		{netip.AddrPortFrom(netip.MustParseAddr("192.0.2.2"), port), 2130705919, "3"},
	}
	if diff := cmp.Diff(want, e.Candidates(), cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
	if _, err := Listen(Config{Listen: "127.0.0.1:0", Advertise: []string{"example.org"}}); err == nil {
		t.Error("a name was taken for an address")
	}
}

func TestLoopbackIsACandidateOnlyWhenAsked(t *testing.T) {
	for _, loopback := range []bool{true, false} {
		list, err := candidates(netip.MustParseAddrPort("[::]:5"), true, nil, loopback)
		if err != nil {
			t.Fatal(err)
		}
		others, own := 0, 0
		for _, c := range list {
			if c.Addr.Addr().IsLinkLocalUnicast() {
				t.Errorf("%v is link-local", c.Addr)
			}
			if c.Addr.Addr().IsLoopback() {
				own++
			} else {
				others++
			}
		}
		if want := loopback || others == 0; (own > 0) != want {
			t.Errorf("loopback %v: %d loopback and %d other candidates", loopback, own, others)
		}
	}
}

func TestATakenPortIsAnError(t *testing.T) {
	e := listen(t)
	_, err := Listen(Config{Listen: e.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), e.Addr().String()) {
		t.Errorf("the error is %v", err)
	}
}

// What comes while the rest of a frame is waited for is taken at once, and when nothing comes the time passes without work.
func TestTheRestOfAFrameIsReceived(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSocket(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	defer s.stop()
	client, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Write([]byte{0x80, 111}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.receiveWithin(patience); n != 1 || err != nil {
		t.Errorf("received %d, %v", n, err)
	}
	begin := time.Now()
	if n, err := s.receiveWithin(frameTime); n != 0 || err != nil || time.Since(begin) < frameTime {
		t.Errorf("received %d within %v, %v", n, time.Since(begin), err)
	}
}
