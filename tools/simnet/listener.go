package simnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
)

// Listener takes the streams that others open.
type Listener struct {
	host    *Host
	local   netip.AddrPort
	changed *sync.Cond
	waiting []*StreamConn
	closed  bool
}

var _ net.Listener = (*Listener)(nil)

// Listen opens a listener on "ip:port". Without an IP it has all addresses of the host, port 0 is any free one.
func (h *Host) Listen(network, address string) (*Listener, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	local, err := h.bind(network, address, func(a netip.AddrPort) bool { return h.listeners[a] != nil })
	if err != nil {
		return nil, err
	}
	l := &Listener{host: h, local: local, changed: sync.NewCond(&h.net.mu)}
	h.listeners[local] = l
	return l, nil
}

// offer gives the listener a stream.
func (l *Listener) offer(c *StreamConn) {
	if l.closed || len(l.waiting) == backlog {
		c.host.refuse(c.local, c.remote)
		c.fail(net.ErrClosed)
		return
	}
	l.waiting = append(l.waiting, c)
	l.changed.Signal()
}

// Accept waits for a stream.
func (l *Listener) Accept() (net.Conn, error) {
	l.host.net.mu.Lock()
	defer l.host.net.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, &net.OpError{Op: "accept", Net: "tcp", Source: l.Addr(), Err: net.ErrClosed}
		case len(l.waiting) > 0:
			c := l.waiting[0]
			l.waiting[0] = nil
			l.waiting = l.waiting[1:]
			return c, nil
		}
		l.changed.Wait()
	}
}

// Close closes the listener and resets the streams that nobody accepted.
func (l *Listener) Close() error {
	l.host.net.mu.Lock()
	defer l.host.net.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Source: l.Addr(), Err: net.ErrClosed}
	}
	for _, c := range l.waiting {
		c.host.refuse(c.local, c.remote)
		c.fail(net.ErrClosed)
	}
	l.close()
	return nil
}

func (l *Listener) close() {
	l.closed, l.waiting = true, nil
	delete(l.host.listeners, l.local)
	l.changed.Broadcast()
}

// Addr returns the address of the listener, the first of the host when it is bound to all.
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.host.shown(l.local)) }

// Dial is DialContext without a context.
func (h *Host) Dial(network, address string) (net.Conn, error) {
	return h.DialContext(context.Background(), network, address)
}

// DialContext connects to "host:port", where the host is an address or a name of the network: a stream for networks of TCP,
// a packet socket for those of UDP.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	switch {
	case strings.HasPrefix(network, "udp"):
		return h.dialPacket(network, address)
	case !strings.HasPrefix(network, "tcp"):
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	c, err := h.dialStream(ctx, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return c, nil
}

func (h *Host) dialStream(ctx context.Context, address string) (*StreamConn, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	remote, err := h.net.resolve(address)
	if err != nil {
		return nil, err
	}
	if h.closed || h.net.closed {
		return nil, net.ErrClosed
	}
	if !remote.Addr().IsValid() {
		remote = netip.AddrPortFrom(h.addresses[0], remote.Port())
	}
	local, err := h.source(netip.AddrPort{}, remote.Addr())
	if err != nil {
		return nil, err
	}
	local, err = h.ephemeral(local.Addr(), func(a netip.AddrPort) bool {
		return h.listeners[a] != nil || h.streams[pair{a, remote}] != nil
	})
	if err != nil {
		return nil, err
	}
	c := newStream(h, local, remote)
	defer context.AfterFunc(ctx, func() {
		h.net.mu.Lock()
		defer h.net.mu.Unlock()
		c.changed.Broadcast()
	})()
	c.transmit(&segment{kind: open})
	for !c.established && c.err == nil && ctx.Err() == nil {
		c.changed.Wait()
	}
	switch {
	case c.err != nil:
		return nil, c.err
	case !c.established:
		c.fail(net.ErrClosed)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, os.ErrDeadlineExceeded
		}
		return nil, ctx.Err()
	}
	return c, nil
}
