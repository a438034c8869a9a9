//go:build !linux

package edge

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

const (
	batchSize    = 1
	receiveSize  = 2048
	shortly      = time.Millisecond
	socketBuffer = 4 << 20
)

// socket reads and writes one datagram at a time. Replies leave from the address that the system chooses.
type socket struct {
	conn *net.UDPConn
	addr netip.AddrPort
	v6   bool
	rx   *inlet
	rtcp *inlet // nil: RTCP comes with the rest

	stopped atomic.Bool
}

// inlet is the datagram that came last.
type inlet struct {
	buffer [receiveSize]byte
	n      int
	from   netip.AddrPort
}

type route struct{ to netip.AddrPort }

func newSocket(conn *net.UDPConn) (*socket, error) {
	// What the system allows is enough.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	addr := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return &socket{conn: conn, addr: addr, v6: !addr.Addr().Unmap().Is4(), rx: &inlet{}}, nil
}

// stop ends reading, within a tick at the latest.
func (s *socket) stop() {
	s.stopped.Store(true)
	_ = s.conn.SetReadDeadline(time.Unix(1, 0))
}

func (s *socket) close() error { return s.conn.Close() }

// receive waits for a datagram, for about as long as is given.
func (s *socket) receive(within time.Duration) (n int, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(max(within, time.Microsecond)))
	if s.stopped.Load() {
		return 0, net.ErrClosed
	}
	s.rx.n, s.rx.from, err = s.conn.ReadFromUDPAddrPort(s.rx.buffer[:])
	if err, ok := err.(net.Error); ok && err.Timeout() {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// receiveWithin is receive: here there is one way to wait.
func (s *socket) receiveWithin(d time.Duration) (int, error) { return s.receive(d) }

func (s *socket) receiveRTCP() int { return 0 }

func (in *inlet) arrival(int) ([]byte, netip.AddrPort, netip.Addr, time.Time, bool) {
	from := netip.AddrPortFrom(in.from.Addr().Unmap(), in.from.Port())
	return in.buffer[:in.n:in.n], from, netip.Addr{}, time.Time{}, in.n < receiveSize
}

func (s *socket) newRoute(at path.Pair) *route { return &route{at.Remote} }

// sender writes one datagram at a time.
type sender struct {
	conn   *net.UDPConn
	failed int
}

func (s *socket) newSender() *sender { return &sender{conn: s.conn} }

func (t *sender) close() {}

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
