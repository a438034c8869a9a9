// Package tlsport is one TLS port for HTTP and TURN: it shakes hands, finds out which of the two a client speaks, and hands the
// connection on.
//
// A client says it by ALPN: stun.turn (RFC 7443) is TURN, h2 and http/1.1 are HTTP. Browsers name none for TURN, and some HTTP clients
// name none either; then the first byte within TLS says it: STUN begins with 0 to 3 (its two first bits are zero, and methods are
// small), HTTP with a letter. Who says nothing is closed with the handshake's time.
//
// HTTP gets the [tls.Conn] itself when ALPN named it, as net/http needs it for HTTP/2, else a connection with the byte put back, which
// has ConnectionState too.
//
// A handshake, with the byte, takes at most 10 s; at most 2000 go on at once, and at most 256 of one address (IPv6: one /64). What is
// one too many is closed at once.
//
// # Goroutines
//
// One that accepts, and one for every connection until it is handed on. They end with Close.
package tlsport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// ALPN is the protocol that says TURN over TLS (RFC 7443).
	ALPN = "stun.turn"

	handshakeTime = 10 * time.Second
	handshakes    = 2000
	ofOneAddress  = 256
	pause         = 50 * time.Millisecond
)

// Port is the port. Nobody is served until both sides are listened to.
type Port struct {
	base       net.Listener
	config     *tls.Config
	http, turn *side
	stats      struct{ failed, slow, tooMany atomic.Uint64 }

	ctx  context.Context //nolint:containedctx // the life of the port
	stop context.CancelFunc
	work sync.WaitGroup

	mu    sync.Mutex
	total int
	from  map[netip.Addr]int
}

// Listen takes a listener over. The configuration is HTTP's; TURN's protocol is added.
func Listen(base net.Listener, config *tls.Config) *Port {
	p := &Port{base: base, config: config.Clone(), from: make(map[netip.Addr]int)}
	p.config.NextProtos = append(slices.Clone(p.config.NextProtos), ALPN)
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.http, p.turn = newSide(p), newSide(p)
	p.work.Go(p.accept)
	return p
}

// HTTP is the listener of HTTP. To close it leaves TURN alone, and the other way round.
func (p *Port) HTTP() net.Listener { return p.http }

// TURN is the listener of TURN.
func (p *Port) TURN() net.Listener { return p.turn }

// Stats are connections that came to nothing.
type Stats struct {
	Failed  uint64 // no handshake: another protocol, another idea of TLS, a client that went away
	Slow    uint64 // no handshake, or no word, in time
	TooMany uint64
}

// Stats returns the counts so far.
func (p *Port) Stats() Stats {
	return Stats{p.stats.failed.Load(), p.stats.slow.Load(), p.stats.tooMany.Load()}
}

// Close ends both listeners and handshakes. Connections that were handed on are their owners'.
func (p *Port) Close() error {
	p.stop()
	err := p.base.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil // it was closed before
	}
	p.work.Wait()
	return errors.Join(err, p.http.Close(), p.turn.Close())
}

func (p *Port) accept() {
	for {
		c, err := p.base.Accept()
		if errors.Is(err, net.ErrClosed) || err != nil && p.ctx.Err() != nil {
			return
		}
		if err != nil { // for the moment there are no descriptors
			select {
			case <-time.After(pause):
			case <-p.ctx.Done():
			}
			continue
		}
		at := address(c)
		if !p.enter(at) {
			p.stats.tooMany.Add(1)
			_ = c.Close()
			continue
		}
		p.work.Go(func() {
			defer p.leave(at)
			p.serve(c)
		})
	}
}

// serve shakes hands and hands on.
func (p *Port) serve(raw net.Conn) {
	until := time.Now().Add(handshakeTime)
	ctx, cancel := context.WithDeadline(p.ctx, until)
	defer cancel()
	c := tls.Server(raw, p.config)
	to, conn, err := p.sort(ctx, c, until)
	if err == nil && to.take(ctx, conn) {
		return
	}
	var late net.Error
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		p.stats.slow.Add(1)
	case err != nil:
		p.stats.failed.Add(1)
	}
	_ = raw.Close()
}

// sort finds out what a client speaks.
func (p *Port) sort(ctx context.Context, c *tls.Conn, until time.Time) (*side, net.Conn, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, nil, err
	}
	switch c.ConnectionState().NegotiatedProtocol {
	case ALPN:
		return p.turn, c, nil
	case "":
	default:
		return p.http, c, nil
	}
	// Close ends the reading as well as the deadline does.
	if err := c.SetReadDeadline(until); err != nil {
		return nil, nil, err
	}
	end := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	peeked := &peeked{Conn: c}
	if _, err := c.Read(peeked.first[:]); err != nil {
		end()
		return nil, nil, err
	}
	if !end() {
		return nil, nil, ctx.Err()
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, nil, err
	}
	if peeked.first[0] < 4 {
		return p.turn, peeked, nil
	}
	return p.http, peeked, nil
}

// peeked is a connection whose first byte was read.
type peeked struct {
	*tls.Conn

	first [1]byte
	once  bool
}

// Read gives the first byte back first. Like every reader's it is called by one goroutine at a time.
func (c *peeked) Read(b []byte) (int, error) {
	if c.once || len(b) == 0 {
		return c.Conn.Read(b)
	}
	c.once = true
	b[0] = c.first[0]
	return 1, nil
}

func (p *Port) enter(at netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= handshakes || p.from[at] >= ofOneAddress {
		return false
	}
	p.total++
	p.from[at]++
	return true
}

func (p *Port) leave(at netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total--
	if p.from[at]--; p.from[at] == 0 {
		delete(p.from, at)
	}
}

// address is who a connection is counted as.
func address(c net.Conn) netip.Addr {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		if subscriber, err := ip.Prefix(64); err == nil {
			return subscriber.Addr()
		}
	}
	return ip
}

// side is one of the two listeners.
type side struct {
	port    *Port
	conns   chan net.Conn
	closed  chan struct{}
	closing sync.Once
}

func newSide(p *Port) *side {
	return &side{port: p, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// take hands a connection on, or reports that nobody took it.
func (s *side) take(ctx context.Context, c net.Conn) bool {
	select {
	case s.conns <- c:
		return true
	case <-s.closed:
	case <-ctx.Done():
	}
	return false
}

// Accept implements net.Listener.
func (s *side) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *side) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}

// Addr implements net.Listener.
func (s *side) Addr() net.Addr { return s.port.base.Addr() }
