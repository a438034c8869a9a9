package turn

import (
	"errors"
	"net"
	"time"

	"github.com/atoll-mesh/atoll/turn/frame"
)

// pause is how long a socket that failed is left alone. It ends with Close only: pion would never come back to it.
const pause = 50 * time.Millisecond

// datagrams is the UDP socket of clients, which pion reads from in one goroutine.
type datagrams struct {
	net.PacketConn

	s         *Server
	request   [12]byte // transaction of the datagram that was read last
	requested bool
}

// ReadFrom returns the next datagram that is TURN.
func (d *datagrams) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := d.PacketConn.ReadFrom(p)
		if errors.Is(err, net.ErrClosed) || err != nil && d.s.isClosed() {
			return 0, nil, err
		}
		if err != nil {
			time.Sleep(pause)
			continue
		}
		if !frame.IsDatagram(p[:n]) {
			d.s.stats.garbage.Add(1)
			continue
		}
		if frame.IsRequest(p[:n]) && !d.s.gate.Take(d.s.now(), clientOf(from).Addr()) {
			d.s.stats.limited.Add(1)
			continue
		}
		d.request, d.requested = frame.Allocation(p[:n])
		return n, from, nil
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
