package link

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/quic-go/quic-go"
)

const (
	maxHandshakes     = 256
	maxHandshakesEach = 64 // of one address
)

// gate bounds how many handshakes of others are under way.
type gate struct {
	mu     sync.Mutex
	total  int
	from   map[netip.Addr]int
	passed uint64
}

type gateKey struct{}

var errCrowded = errors.New("too many handshakes")

// enter is asked when a connection begins whose address is verified; its context ends with the connection.
func (g *gate) enter(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	var addr netip.Addr
	if udp, ok := info.RemoteAddr.(*net.UDPAddr); ok {
		addr = udp.AddrPort().Addr().Unmap()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= maxHandshakes || g.from[addr] >= maxHandshakesEach {
		return nil, errCrowded
	}
	if g.from == nil {
		g.from = make(map[netip.Addr]int)
	}
	g.total++
	g.from[addr]++
	g.passed++
	out := sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.total--
		if g.from[addr]--; g.from[addr] == 0 {
			delete(g.from, addr)
		}
	})
	context.AfterFunc(ctx, out)
	return context.WithValue(ctx, gateKey{}, out), nil
}

// leave is told when a handshake is over.
func (g *gate) leave(ctx context.Context) {
	if out, ok := ctx.Value(gateKey{}).(func()); ok {
		out()
	}
}
