package bench

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/socket"
)

// Kind names what is measured.
type Kind string

// The servers.
const (
	Node         Kind = "atoll"
	Plain        Kind = "pion"              // without interceptors
	Interceptors Kind = "pion-interceptors" // with the default ones
	Janus        Kind = "janus"
)

// server is one that stands.
type server interface {
	// pids returns its processes.
	pids() []int
	// feedback says whether its clients send transport-wide feedback.
	feedback() bool
	// payload returns the payload type that video of a codec, named by the node's, is sent to it with.
	payload(codec uint8) uint8
	// allocated returns how many objects it allocated since its start; ok is false where nobody counts.
	allocated(ctx context.Context) (n uint64, ok bool, err error)
	// join lets one client in. It returns when its media is connected, or would be if somebody else were there.
	join(ctx context.Context, c client) (seat, error)
	// stop ends it. An error says that it did not end by itself.
	stop() error
	log() string
}

// client is who joins.
type client struct {
	scenario Scenario
	at       int // below Senders for one who sends
	line     *line
	ssrcs    participant.SSRCs
	codec    uint8 // payload type of video
	onRTP    func(h *rtp.Header, packet []byte, arrived time.Time)
	onRTCP   func(compound []byte)
}

func (c client) sends() bool { return c.at < c.scenario.Senders }

func (c client) receives() bool { return !c.sends() || c.scenario.Senders > 1 }

// seat is a client's place in the room.
type seat interface {
	// ready waits until media flows. It returns what the client sends into, and what its receiver's feedback goes to.
	ready(ctx context.Context) (out, in *participant.Transport, err error)
	leave()
}

// start starts a server for a scenario.
func start(ctx context.Context, kind Kind, s Scenario, with Programs) (server, error) {
	switch kind {
	case Node:
		return startNode(ctx, s, with.Node)
	case Plain:
		return startPlain(ctx, with.Control)
	case Interceptors:
		return startPlain(ctx, append(append([]string(nil), with.Control...), "--interceptors"))
	}
	if kind == Janus {
		return startJanus(ctx)
	}
	return nil, fmt.Errorf("there is no server %q", kind)
}

// Programs are what servers are started by.
type Programs struct {
	Node    string   // path of the node's binary
	Control []string // command line of the control server; its first line of output is its URL
}

// line is the network of one client: the pool, or sockets of its own for one that is far away.
type line struct {
	*socket.Pool
	at  netip.Addr // where sockets are, loopback when it is invalid
	far bool       // what comes takes distance longer
}

// Addr returns where sockets are.
func (l *line) Addr() netip.Addr {
	if l.at.IsValid() {
		return l.at
	}
	return l.Pool.Addr()
}

// Dial opens a connection.
func (l *line) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.far {
		return dialFar(ctx, network, address)
	}
	return l.Pool.Dial(ctx, network, address)
}

// ListenPacket opens a socket.
func (l *line) ListenPacket(address string) (net.PacketConn, error) {
	if l.far {
		return listenFar(l.Addr())
	}
	return l.Pool.ListenPacket(address)
}

// cpu returns what each process used so far.
func cpu(s server) (each []time.Duration, err error) {
	for _, pid := range s.pids() {
		d, err := load.CPU(pid)
		if err != nil {
			return nil, err
		}
		each = append(each, d)
	}
	return each, nil
}

func memory(s server) (sum int64, err error) {
	for _, pid := range s.pids() {
		n, err := load.RSS(pid)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
