package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// distance is how long whatever comes to the client that stands far away takes longer than to the others: one round trip.
const distance = 150 * time.Millisecond

// delayed is what came, and when the client may see it.
type delayed struct {
	data []byte
	from net.Addr
	due  time.Time
}

// arrivals delays what came. Its channel is closed at the end.
type arrivals struct {
	coming chan delayed
	ended  chan struct{}
}

func newArrivals() arrivals {
	return arrivals{coming: make(chan delayed, 4096), ended: make(chan struct{})}
}

// read takes in what receive returns until it fails or end was called.
func (a arrivals) read(receive func(b []byte) (int, net.Addr, error)) {
	defer close(a.coming)
	b := make([]byte, 64<<10)
	for {
		n, from, err := receive(b)
		if err != nil {
			return
		}
		select {
		case a.coming <- delayed{append([]byte(nil), b[:n]...), from, time.Now().Add(distance)}:
		case <-a.ended:
			return
		}
	}
}

// next returns what is next once it is due.
func (a arrivals) next() (delayed, bool) {
	d, ok := <-a.coming
	if ok {
		time.Sleep(time.Until(d.due))
	}
	return d, ok
}

// farConn is a connection to somebody far away.
type farConn struct {
	net.Conn
	arrivals
	rest []byte
}

func dialFar(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("dial from afar: %w", err)
	}
	time.Sleep(distance) // of the handshake
	c := &farConn{Conn: conn, arrivals: newArrivals()}
	go c.read(func(b []byte) (int, net.Addr, error) {
		n, err := conn.Read(b)
		return n, nil, err
	})
	return c, nil
}

func (c *farConn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		d, ok := c.next()
		if !ok {
			return 0, io.EOF
		}
		c.rest = d.data
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *farConn) Close() error {
	defer closeOnce(c.ended)
	return c.Conn.Close()
}

// farSocket is a socket of somebody far away.
type farSocket struct {
	net.PacketConn
	arrivals
}

func listenFar(at netip.Addr) (net.PacketConn, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		return nil, fmt.Errorf("listen from afar: %w", err)
	}
	s := &farSocket{conn, newArrivals()}
	go s.read(conn.ReadFrom)
	return s, nil
}

func (s *farSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	d, ok := s.next()
	if !ok {
		return 0, nil, net.ErrClosed
	}
	return copy(b, d.data), d.from, nil
}

func (s *farSocket) Close() error {
	defer closeOnce(s.ended)
	return s.PacketConn.Close()
}

// closeOnce closes a channel that only one goroutine closes.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}
