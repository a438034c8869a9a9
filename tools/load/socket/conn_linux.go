package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is one socket of a pool.
type Conn struct {
	pool  *Pool
	fd    int
	local *net.UDPAddr
	in    chan arrival
	ended chan struct{}
	once  sync.Once
	media atomic.Pointer[func(packet []byte, at time.Time)]
}

type arrival struct {
	data []byte
	from *net.UDPAddr
}

func (c *Conn) prepare(at netip.AddrPort) error {
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return err
	}
	if c.pool.whole.Load() {
		if err := unix.SetsockoptInt(c.fd, unix.SOL_UDP, unix.UDP_GRO, 1); err != nil {
			return err
		}
	}
	for _, o := range []int{unix.SO_RCVBUF, unix.SO_RCVBUFFORCE} {
		_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, o, buffer) // what the system allows is enough; the second needs privilege
	}
	if err := unix.Bind(c.fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return err
	}
	name, err := unix.Getsockname(c.fd)
	if err != nil {
		return err
	}
	c.local = &net.UDPAddr{IP: net.IP(at.Addr().AsSlice()), Port: name.(*unix.SockaddrInet4).Port}
	return nil
}

// Divert gives SRTP and SRTCP to f from now on. The packet is f's during the call only; f must not close the socket.
func (c *Conn) Divert(f func(packet []byte, at time.Time)) { c.media.Store(&f) }

func (c *Conn) take(b, name, control []byte) {
	if len(b) < 2 {
		return
	}
	if b[0] >= 128 && b[0] <= 191 {
		if f := c.media.Load(); f != nil {
			at, part := circumstances(control)
			for part > 0 && len(b) > part {
				(*f)(b[:part:part], at)
				b = b[part:]
			}
			(*f)(b, at)
		}
		return
	}
	if len(name) < unix.SizeofSockaddrInet4 {
		return
	}
	from := &net.UDPAddr{IP: append(net.IP(nil), name[4:8]...), Port: int(binary.BigEndian.Uint16(name[2:]))}
	select {
	case c.in <- arrival{append([]byte(nil), b...), from}:
	default:
	}
}

// ReadFrom returns the next datagram that is no media.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case a := <-c.in:
		return copy(b, a.data), a.from, nil
	case <-c.ended:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo sends a datagram. One that the socket's buffer has no room for is lost, as on the network.
func (c *Conn) WriteTo(b []byte, to net.Addr) (int, error) {
	at, ok := to.(*net.UDPAddr)
	if !ok || at.IP.To4() == nil {
		return 0, fmt.Errorf("send to %v: it is no udp address of IPv4", to)
	}
	c.pool.mu.RLock()
	defer c.pool.mu.RUnlock()
	select {
	case <-c.ended:
		return 0, net.ErrClosed
	default:
	}
	err := unix.Sendto(c.fd, b, 0, &unix.SockaddrInet4{Port: at.Port, Addr: [4]byte(at.IP.To4())})
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		return 0, fmt.Errorf("send: %w", err)
	}
	return len(b), nil
}

// Close ends the socket and whoever reads from it.
func (c *Conn) Close() error {
	c.once.Do(func() {
		c.pool.mu.Lock()
		defer c.pool.mu.Unlock()
		close(c.ended)
		delete(c.pool.conns, int32(c.fd))
		_ = unix.Close(c.fd) // takes it out of the epoll set
	})
	return nil
}

// LocalAddr returns where the socket is.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// SetDeadline does nothing, as the other two: who reads ends with the socket.
func (c *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing: writes never block.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }
