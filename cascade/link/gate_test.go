package link

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/quic-go/quic-go"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		from := func(ip string) *quic.ClientInfo {
			return &quic.ClientInfo{RemoteAddr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 1))}
		}
		var inside []context.Context
		var ends []context.CancelFunc
		enter := func(ip string, n int) (passed int) {
			for range n {
				ctx, cancel := context.WithCancel(t.Context())
				in, err := g.enter(ctx, from(ip))
				if err != nil {
					cancel()
					continue
				}
				inside, ends = append(inside, in), append(ends, cancel)
				passed++
			}
			return passed
		}
		if n := enter("10.0.0.1", 1000); n != maxHandshakesEach {
			t.Errorf("%d of one address", n)
		}
		for _, ip := range []string{"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"} {
			enter(ip, 1000)
		}
		if len(inside) != maxHandshakes {
			t.Errorf("%d in all", len(inside))
		}
		g.leave(inside[0]) // its handshake is over, and its connection later
		ends[0]()
		ends[1]() // its handshake failed
		synctest.Wait()
		if n := enter("10.0.0.1", 1000); n != 2 {
			t.Errorf("%d more after two left", n)
		}
		for _, end := range ends {
			end()
		}
		synctest.Wait()
		if g.total != 0 || len(g.from) != 0 {
			t.Errorf("%d are left, %d addresses", g.total, len(g.from))
		}
	})
}
