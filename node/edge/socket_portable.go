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
	socketBuffer = 4 << 20
)

// socket reads and writes one datagram at a time. Replies leave from the address that the system chooses.
type socket struct {
	conn   *net.UDPConn
	v6     bool
	buffer [receiveSize]byte
	n      int
	from   netip.AddrPort

	failed int
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

func (s *socket) full() bool { return false }

func (s *socket) push(to *route, data []byte) {
	if _, err := s.conn.WriteToUDPAddrPort(data, to.to); err != nil {
		s.failed++
	}
}

func (s *socket) send() int {
	failed := s.failed
	s.failed = 0
	return failed
}
