package freeport

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// TestEveryPortIsGivenOnce asks for more than chance leaves apart, beside listeners that are there already.
func TestEveryPortIsGivenOnce(t *testing.T) {
	const many = 400
	given := make(map[uint16]bool)
	for i := range many {
		ip := netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i%2)})
		at := netip.MustParseAddrPort(At(t, ip))
		if at.Addr() != ip || given[at.Port()] {
			t.Fatalf("%v after %d others", at, i)
		}
		given[at.Port()] = true
	}
	for at := range given {
		for _, network := range []string{"tcp", "udp"} {
			if err := listen(t, network, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at).String()); err != nil {
				t.Fatal(err)
			}
		}
		break
	}
}

// TestATestGivesItsPortsBack lets another test have them.
func TestATestGivesItsPortsBack(t *testing.T) {
	var at string
	t.Run("one", func(t *testing.T) { at = Get(t) })
	_, number, _ := strings.Cut(at, ":")
	if err := listen(t, "tcp", net.JoinHostPort(guard, number)); err != nil {
		t.Error(err)
	}
}

func TestWhatIsTakenIsNotFree(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		at := Get(t)
		if !free(at) {
			t.Errorf("%s is not free", at)
		}
		if err := listen(t, network, at); err != nil {
			t.Fatal(err)
		}
		if free(at) {
			t.Errorf("%s is free beside a socket for %s", at, network)
		}
	}
}

func listen(t *testing.T, network, address string) error {
	t.Helper()
	if network == "tcp" {
		l, err := net.Listen(network, address)
		if err == nil {
			t.Cleanup(func() { _ = l.Close() })
		}
		return err
	}
	p, err := net.ListenPacket(network, address)
	if err == nil {
		t.Cleanup(func() { _ = p.Close() })
	}
	return err
}
