//go:build !linux

package edge

import (
	"net"
	"net/netip"
	"time"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

const (
	receiveSize  = 2048
	shortly      = time.Millisecond
	socketBuffer = 4 << 20
)

// socket reads and writes one datagram at a time. Replies leave from the address that the system chooses.
type socket struct {
	conn   *net.UDPConn
	v6     bool
	buffer [receiveSize]byte
	n      int
	from   netip.AddrPort
}

type route struct{ to netip.AddrPort }

func newSocket(conn *net.UDPConn) (*socket, error) {
	// What the system allows is enough.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	return &socket{conn: conn, v6: conn.LocalAddr().(*net.UDPAddr).IP.To4() == nil}, nil
}

func (s *socket) close() error { return s.conn.Close() }

func (s *socket) receive() (n int, err error) {
	s.n, s.from, err = s.conn.ReadFromUDPAddrPort(s.buffer[:])
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (s *socket) arrival(int) ([]byte, netip.AddrPort, netip.Addr, time.Time, bool) {
	from := netip.AddrPortFrom(s.from.Addr().Unmap(), s.from.Port())
	return s.buffer[:s.n:s.n], from, netip.Addr{}, time.Time{}, s.n < receiveSize
}

func (s *socket) newRoute(at path.Pair) *route { return &route{at.Remote} }

// receiveWithin reports that nothing came.
func (s *socket) receiveWithin(time.Duration) (int, error) { return 0, nil }

// sender writes one datagram at a time.
type sender struct {
	conn   *net.UDPConn
	failed int
}

func (s *socket) newSender() (*sender, error) { return &sender{conn: s.conn}, nil }

func (t *sender) close() error { return nil }

func (t *sender) cuts() bool { return false }

func (t *sender) full() bool { return false }

func (t *sender) push(to *route, data []byte) {
	if _, err := t.conn.WriteToUDPAddrPort(data, to.to); err != nil {
		t.failed++
	}
}

func (t *sender) send() int {
	failed := t.failed
	t.failed = 0
	return failed
}
