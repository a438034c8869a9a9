package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load/janus"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// gateway is Janus.
type gateway struct {
	*janus.Server
	clients []*janus.Client // of those who send, in the order of joining
}

func startJanus(ctx context.Context) (server, error) {
	s, err := janus.Start(ctx)
	if err != nil {
		return nil, err
	}
	return &gateway{Server: s}, nil
}

func (g *gateway) pids() []int { return []int{g.PID()} }

func (g *gateway) payload(codec uint8) uint8 { return codec }

// feedback: Janus numbers its packets where that was negotiated, for senders alone.
func (g *gateway) feedback() bool { return false }

func (g *gateway) allocated(context.Context) (uint64, bool, error) { return 0, false, nil }

// join publishes, subscribes to all that are there, and lets them subscribe to the new one.
func (g *gateway) join(ctx context.Context, who client) (seat, error) {
	at, err := outside()
	if err != nil {
		return nil, err
	}
	who.line.at = at
	cfg := janus.Config{URL: g.URL, ID: who.at + 1, Codec: who.codec, Network: who.line, OnRTCP: who.onRTCP}
	if who.sends() {
		cfg.SSRCs = &who.ssrcs
	}
	cfg.OnRTP = func(h *rtp.Header, packet []byte, arrived time.Time) {
		if h.PayloadType != payloadOpus {
			h.PayloadType = who.codec // Janus has numbers of its own for video
		}
		who.onRTP(h, packet, arrived)
	}
	c, err := janus.Dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := g.enter(ctx, c, who); err != nil {
		c.Close()
		return nil, err
	}
	return visitor{c}, nil
}

func (g *gateway) enter(ctx context.Context, c *janus.Client, who client) error {
	if who.sends() {
		if err := c.Publish(ctx); err != nil {
			return err
		}
	}
	var ids []int
	for k := range g.clients {
		ids = append(ids, k+1)
	}
	if who.receives() && len(ids) > 0 {
		if err := c.Subscribe(ctx, ids...); err != nil {
			return err
		}
	}
	if !who.sends() {
		return nil
	}
	g.clients = append(g.clients, c)
	if !who.receives() {
		return nil
	}
	for k, other := range g.clients[:len(ids)] {
		if err := other.Subscribe(ctx, who.at+1); err != nil {
			return fmt.Errorf("client %d: %w", k, err)
		}
	}
	return nil
}

func (g *gateway) stop() error { return g.Stop() }

func (g *gateway) log() string { return g.Log() }

// outside returns an address of this machine that is not of loopback: Janus offers no other.
func outside() (netip.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find an address: %w", err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr(), nil
		}
	}
	return netip.Addr{}, errors.New("janus needs an address of IPv4 that is not of loopback")
}

// visitor is a client of Janus.
type visitor struct{ *janus.Client }

func (v visitor) ready(context.Context) (out, in *participant.Transport, err error) {
	return v.Out, v.In, nil
}

func (v visitor) leave() { v.Close() }
