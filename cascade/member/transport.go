package member

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	hasLabel    = 244             // memberlist's mark of a label
	dialTimeout = 3 * time.Second // the longest round trip, and one lost SYN
	mostStreams = 128             // that others opened and that are not answered yet
	mostBytes   = 1 << 20         // of one stream; a state of 1024 members is 700 KB
	portTries   = 16
	readBuffer  = 2 << 20
	pauseFirst  = 5 * time.Millisecond
	pauseLast   = time.Second
)

func labelOf(secret identity.Secret) string {
	return hex.EncodeToString(secret.Derive("gossip label")[:8])
}

// transport carries memberlist's packets and streams, and keeps away those of others.
type transport struct {
	network   Network
	conn      net.PacketConn
	listener  net.Listener
	label     []byte // with its header
	advertise netip.AddrPort
	gripes    *complaints
	clerk     atomic.Pointer[clerk] // nil until somebody can answer questions
	packets   chan *memberlist.Packet
	accepted  chan net.Conn

	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	streams map[*stream]struct{}
	waiting []*stream // accepted and not answered, the oldest first
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)

// openTransport listens on the same port for packets and streams.
func openTransport(network Network, bind, label string, gripes *complaints) (*transport, error) {
	host, port, err := net.SplitHostPort(bind)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", bind, err)
	}
	t := &transport{
		network: network, gripes: gripes, label: append([]byte{hasLabel, byte(len(label))}, label...),
		packets: make(chan *memberlist.Packet), accepted: make(chan net.Conn), streams: make(map[*stream]struct{}),
	}
	for range portTries {
		if t.listener, err = network.Listen("tcp", bind); err != nil {
			return nil, fmt.Errorf("listen for gossip (TCP): %w", err)
		}
		_, found, _ := net.SplitHostPort(t.listener.Addr().String())
		if t.conn, err = network.ListenPacket("udp", net.JoinHostPort(host, found)); err == nil {
			break
		}
		_ = t.listener.Close()
		if port != "0" { // else another has taken the UDP port of the same number
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listen for gossip (UDP): %w", err)
	}
	if c, ok := t.conn.(interface{ SetReadBuffer(bytes int) error }); ok {
		_ = c.SetReadBuffer(readBuffer) // as much as the system gives
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.done.Go(t.readPackets)
	t.done.Go(t.accept)
	return t, nil
}

func (t *transport) addr() netip.AddrPort {
	a, _ := netip.ParseAddrPort(t.listener.Addr().String())
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// FinalAdvertiseAddr returns the address that was found out before memberlist was made.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return t.advertise.Addr().AsSlice(), int(t.advertise.Port()), nil
}

// PacketCh returns where packets come out.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh returns where the streams of others come out.
func (t *transport) StreamCh() <-chan net.Conn { return t.accepted }

func (t *transport) readPackets() {
	b := make([]byte, 1<<16)
	for pause := pauseFirst; ; {
		n, from, err := t.conn.ReadFrom(b)
		if err != nil {
			if !t.retry(err, &pause) {
				return
			}
			continue
		}
		pause = pauseFirst
		now := time.Now()
		rest, ours := bytes.CutPrefix(b[:n], t.label)
		if !ours {
			t.strange(b[:n], from)
			continue
		}
		select {
		case t.packets <- &memberlist.Packet{Buf: bytes.Clone(rest), From: from, Timestamp: now}:
		case <-t.ctx.Done():
			return
		}
	}
}

// strange complains of what came without our label.
func (t *transport) strange(b []byte, from net.Addr) {
	kind := notGossip
	if len(b) > 2 && b[0] == hasLabel && len(b) > 2+int(b[1]) && b[1] == t.label[1] {
		kind = otherSecret
	}
	t.gripes.say(kind, "addr", from.String())
}

// retry waits before the next try after an error, longer each time; it returns false when there is none.
func (t *transport) retry(err error, pause *time.Duration) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	timer := time.NewTimer(*pause)
	defer timer.Stop()
	*pause = min(2**pause, pauseLast)
	select {
	case <-timer.C:
		return true
	case <-t.ctx.Done():
		return false
	}
}

// WriteTo sends a packet.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, fmt.Errorf("send gossip: %w", err)
	}
	now := time.Now()
	_, err = t.conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return now, err // unwrapped: memberlist looks for *net.OpError
}

// WriteToAddress sends a packet.
func (t *transport) WriteToAddress(b []byte, addr memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, addr.Addr)
}

// DialTimeout opens a stream.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, min(timeout, dialTimeout))
	defer cancel()
	conn, err := t.network.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &stream{Conn: conn, transport: t, left: mostBytes, dialled: true}
	if !t.track(s) {
		return nil, net.ErrClosed
	}
	_ = s.SetDeadline(time.Now().Add(streamTimeout)) // memberlist writes the label without one
	return s, nil
}

// DialAddressTimeout opens a stream.
func (t *transport) DialAddressTimeout(addr memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(addr.Addr, timeout)
}

// Shutdown closes the sockets and all streams.
func (t *transport) Shutdown() error {
	t.mu.Lock()
	t.closed = true
	open := t.streams
	t.streams, t.waiting = make(map[*stream]struct{}), nil
	t.mu.Unlock()
	t.cancel()
	err := errors.Join(t.listener.Close(), t.conn.Close())
	for s := range open {
		_ = s.Conn.Close()
	}
	t.done.Wait()
	return err
}
