package participant

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// recordPipe is the net.PacketConn that DTLS sees: records that the reader told apart come in, writes go to ICE. Once
// muted it swallows writes, so that a participant can vanish without an alert.
type recordPipe struct {
	net.Conn
	in    chan []byte
	ended chan struct{}
	once  sync.Once
	muted *atomic.Bool

	mu      sync.Mutex
	expired chan struct{} // closed when the read deadline is over; DTLS ends its reads by it
	timer   *time.Timer
}

func newRecordPipe(conn net.Conn, muted *atomic.Bool) *recordPipe {
	return &recordPipe{Conn: conn, in: make(chan []byte, 32), ended: make(chan struct{}), muted: muted, expired: make(chan struct{})}
}

// push hands one record to DTLS; when 32 wait already it is lost, as on the network.
func (p *recordPipe) push(b []byte) {
	select {
	case p.in <- append([]byte(nil), b...):
	default:
	}
}

func (p *recordPipe) close() { p.once.Do(func() { close(p.ended) }) }

func (p *recordPipe) ReadFrom(b []byte) (int, net.Addr, error) {
	p.mu.Lock()
	expired := p.expired
	p.mu.Unlock()
	select {
	case <-expired:
		return 0, nil, os.ErrDeadlineExceeded
	default:
	}
	select {
	case <-expired:
		return 0, nil, os.ErrDeadlineExceeded
	case r := <-p.in:
		return copy(b, r), p.RemoteAddr(), nil
	case <-p.ended:
		return 0, nil, net.ErrClosed
	}
}

func (p *recordPipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	if p.muted.Load() {
		return len(b), nil
	}
	return p.Write(b)
}

// Close ends DTLS only: ICE goes on below.
func (p *recordPipe) Close() error {
	p.close()
	return nil
}

// SetReadDeadline works as net.Conn says, for reads in progress too.
func (p *recordPipe) SetReadDeadline(at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil && !p.timer.Stop() {
		<-p.expired // the timer has fired: let it end before the channel is judged
	}
	p.timer = nil
	select {
	case <-p.expired:
		p.expired = make(chan struct{})
	default:
	}
	switch wait := time.Until(at); {
	case at.IsZero():
	case wait <= 0:
		close(p.expired)
	default:
		expired := p.expired
		p.timer = time.AfterFunc(wait, func() { close(expired) })
	}
	return nil
}

// SetDeadline sets the read deadline: writes never block.
func (p *recordPipe) SetDeadline(at time.Time) error { return p.SetReadDeadline(at) }

// SetWriteDeadline does nothing: writes never block.
func (p *recordPipe) SetWriteDeadline(time.Time) error { return nil }
