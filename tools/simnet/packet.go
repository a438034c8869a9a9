package simnet

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// largest payload of a UDP datagram over IPv4.
const largestDatagram = 65507

// PacketConn is a UDP socket. Its addresses are [*net.UDPAddr]. A dialled one is also a [net.Conn] and hears its peer
// alone.
type PacketConn struct {
	host   *Host
	local  netip.AddrPort // without an IP: bound to all
	remote netip.AddrPort // set when dialled

	ready  *sync.Cond
	queue  []datagram
	head   int
	bytes  int
	limit  int
	read   deadline
	write  deadline
	closed bool
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

var (
	_ net.PacketConn = (*PacketConn)(nil)
	_ net.Conn       = (*PacketConn)(nil)
)

// ListenPacket opens a packet socket on "ip:port". Without an IP it has all addresses of the host, port 0 is any free one.
func (h *Host) ListenPacket(network, address string) (*PacketConn, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return h.listenPacket(network, address)
}

func (h *Host) listenPacket(network, address string) (*PacketConn, error) {
	local, err := h.bind(network, address, func(a netip.AddrPort) bool { return h.packets[a] != nil })
	if err != nil {
		return nil, err
	}
	c := &PacketConn{host: h, local: local, ready: sync.NewCond(&h.net.mu), limit: 1 << 20}
	h.packets[local] = c
	return c, nil
}

func (h *Host) dialPacket(network, address string) (net.Conn, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	remote, err := h.net.resolve(address)
	var local netip.AddrPort
	if err == nil {
		local, err = h.source(netip.AddrPort{}, remote.Addr())
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	c, err := h.listenPacket(network, netip.AddrPortFrom(local.Addr(), 0).String())
	if err != nil {
		return nil, err
	}
	c.remote = remote
	return c, nil
}

// take puts an arrived datagram into the buffer. It returns false when it is not wanted.
func (c *PacketConn) take(p *packet) bool {
	if c.closed || c.bytes+len(p.data) > c.limit || c.remote.IsValid() && p.src != c.remote {
		return false
	}
	c.queue = append(c.queue, datagram{p.src, p.data})
	c.bytes += len(p.data)
	c.ready.Signal()
	return true
}

// ReadFrom waits for a datagram. What does not fit into b is lost.
func (c *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromUDPAddrPort is ReadFrom without an allocated address.
func (c *PacketConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, netip.AddrPort{}, c.fault("read", net.ErrClosed)
		case c.read.passed():
			return 0, netip.AddrPort{}, c.fault("read", os.ErrDeadlineExceeded)
		case c.head < len(c.queue):
			d := c.queue[c.head]
			c.queue[c.head] = datagram{}
			if c.head++; 2*c.head >= len(c.queue) {
				rest := copy(c.queue, c.queue[c.head:])
				clear(c.queue[rest:])
				c.queue, c.head = c.queue[:rest], 0
			}
			c.bytes -= len(d.data)
			return copy(b, d.data), d.from, nil
		}
		c.ready.Wait()
	}
}

// WriteTo sends a datagram to a [*net.UDPAddr]. It never waits.
func (c *PacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, c.fault("write", &net.AddrError{Err: "not a UDP address", Addr: to.String()})
	}
	return c.WriteToUDPAddrPort(b, addr.AddrPort())
}

// WriteToUDPAddrPort is WriteTo for another kind of address.
func (c *PacketConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	switch {
	case c.closed:
		return 0, c.fault("write", net.ErrClosed)
	case c.write.passed():
		return 0, c.fault("write", os.ErrDeadlineExceeded)
	case len(b) > largestDatagram:
		return 0, c.fault("write", os.NewSyscallError("sendto", syscall.EMSGSIZE))
	case !to.IsValid() || to.Port() == 0:
		return 0, c.fault("write", os.NewSyscallError("sendto", syscall.EINVAL))
	}
	src, err := c.host.source(c.local, to.Addr())
	if err != nil {
		return 0, c.fault("write", err)
	}
	c.host.send(&packet{src: src, dst: to, data: append([]byte(nil), b...)})
	return len(b), nil
}

// Read is ReadFrom of a dialled socket.
func (c *PacketConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFromUDPAddrPort(b)
	return n, err
}

// Write sends to the peer of a dialled socket.
func (c *PacketConn) Write(b []byte) (int, error) { return c.WriteToUDPAddrPort(b, c.remote) }

// Close closes the socket; who waits in it is woken.
func (c *PacketConn) Close() error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed {
		return c.fault("close", net.ErrClosed)
	}
	c.close()
	return nil
}

func (c *PacketConn) close() {
	c.closed = true
	c.queue, c.head, c.bytes = nil, 0, 0
	c.read.stop()
	c.write.stop()
	delete(c.host.packets, c.local)
	c.ready.Broadcast()
}

// LocalAddr returns the address of the socket, the first of the host when it is bound to all.
func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.host.shown(c.local)) }

// RemoteAddr returns the peer of a dialled socket, nil for others.
func (c *PacketConn) RemoteAddr() net.Addr {
	if !c.remote.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(c.remote)
}

// SetDeadline sets the read and the write deadline.
func (c *PacketConn) SetDeadline(t time.Time) error {
	return c.change(func() { c.read.set(c.ready, t); c.write.set(c.ready, t) })
}

// SetReadDeadline sets the time at which reads give up, also those that wait.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	return c.change(func() { c.read.set(c.ready, t) })
}

// SetWriteDeadline sets the time at which writes give up.
func (c *PacketConn) SetWriteDeadline(t time.Time) error {
	return c.change(func() { c.write.set(c.ready, t) })
}

// SetReadBuffer sets how many bytes may wait to be read; it is 1 MiB at first.
func (c *PacketConn) SetReadBuffer(bytes int) error { return c.change(func() { c.limit = bytes }) }

// SetWriteBuffer changes nothing: writes do not wait.
func (c *PacketConn) SetWriteBuffer(int) error { return c.change(func() {}) }

func (c *PacketConn) change(apply func()) error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed {
		return c.fault("set", net.ErrClosed)
	}
	apply()
	return nil
}

func (c *PacketConn) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: net.UDPAddrFromAddrPort(c.host.shown(c.local)), Err: err}
}
