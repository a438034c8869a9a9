// Package freeport gives tests ports of loopback that nobody takes before they do.
//
// A test that listens on port 0, closes, and tells a node the number has lost it when anybody listens on port 0 or dials meanwhile: the
// system takes such numbers at random out of a range of its own (Linux: 32768 to 60999). Here they come from below that range, where only
// who asks for a number gets it, and a listener at another address of loopback keeps a number from other tests and processes that ask here,
// until the test ends.
package freeport

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
)

const (
	first, count = 20_000, 12_000
	guard        = "127.99.99.99" // where the listener is that keeps a number
)

// Get returns a port of 127.0.0.1 that is free for TCP and UDP.
func Get(t testing.TB) string {
	t.Helper()
	return At(t, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
}

// At is Get at another address of this machine.
func At(t testing.TB, ip netip.Addr) string {
	t.Helper()
	start := rand.IntN(count)
	for i := range count {
		at := uint16(first + (start+i)%count)
		kept, err := net.Listen("tcp4", netip.AddrPortFrom(netip.MustParseAddr(guard), at).String())
		if err != nil {
			continue
		}
		address := netip.AddrPortFrom(ip, at).String()
		if !free(address) {
			_ = kept.Close()
			continue
		}
		t.Cleanup(func() { _ = kept.Close() })
		return address
	}
	t.Fatal("no port is free")
	return ""
}

func free(address string) bool {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	_ = l.Close()
	p, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	_ = p.Close()
	return true
}
