package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/plain"
)

// control is plain pion.
type control struct {
	*load.Process
	url string
}

func startPlain(ctx context.Context, argv []string) (server, error) {
	process, url, err := load.StartControl(ctx, argv)
	if err != nil {
		return nil, err
	}
	return &control{process, url}, nil
}

func (c *control) pids() []int { return []int{c.PID()} }

// payload: plain pion knows one number and does not look into payloads.
func (c *control) payload(uint8) uint8 { return payloadVP8 }

func (c *control) feedback() bool { return false }

func (c *control) allocated(ctx context.Context) (n uint64, ok bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/allocated", nil)
	if err != nil {
		return 0, false, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err == nil {
		_, err = fmt.Sscan(string(raw), &n)
	}
	return n, true, err
}

func (c *control) join(ctx context.Context, who client) (seat, error) {
	cfg := plain.Config{
		URL: c.url, Of: who.scenario.Senders, Seat: who.at, Mute: who.scenario.Mute, Network: who.line, OnRTP: who.onRTP, OnRTCP: who.onRTCP,
	}
	if who.sends() {
		cfg.SSRCs, cfg.Both = &who.ssrcs, who.receives()
	}
	t, err := plain.Join(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return peer{t}, nil
}

func (c *control) stop() error { return c.Stop() }

func (c *control) log() string { return c.Log() }

// peer is a client of plain pion.
type peer struct{ *participant.Transport }

func (p peer) ready(context.Context) (out, in *participant.Transport, err error) {
	return p.Transport, p.Transport, nil
}

func (p peer) leave() { p.Close(true) }
