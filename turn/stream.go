package turn

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/turn/frame"
	"github.com/atoll-mesh/atoll/turn/quota"
)

const (
	// strangerTime is how long a stream may be without an allocation.
	strangerTime = 20 * time.Second
	// farewellTime is how long a stream stays whose allocation has ended: its last answer is under way, or a new one comes.
	farewellTime = 10 * time.Second
	// writeTime is how long a client may take nothing.
	writeTime = 10 * time.Second
	// mostStrangers are streams without an allocation of one address.
	mostStrangers = 64
	// mostStreams are streams of all.
	mostStreams = 10_000
)

// listener gives pion the streams of clients.
type listener struct {
	net.Listener

	s *Server
}

// Accept returns the next stream that is not one too many. pion takes every error for the end, so there is one error only.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) || err != nil && l.s.isClosed() {
			return nil, err
		}
		if err != nil {
			time.Sleep(pause)
			continue
		}
		if wrapped := l.s.welcome(c); wrapped != nil {
			return wrapped, nil
		}
		_ = c.Close() // nobody is told: it was one too many
	}
}

// conn is the stream of a client. Read gives one whole frame at a time.
type conn struct {
	net.Conn

	s      *Server
	remote *net.TCPAddr
	client client

	buffer    [inbound]byte
	from, to  int // what of the buffer is not read yet
	request   [12]byte
	requested bool

	once   sync.Once
	proven bool // it has an allocation; Server.mu guards it
}

// welcome takes a stream in, or returns nil.
func (s *Server) welcome(raw net.Conn) *conn {
	remote, ok := raw.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	c := &conn{Conn: raw, s: s, remote: &net.TCPAddr{IP: remote.IP, Port: remote.Port, Zone: remote.Zone}}
	c.client = clientOf(c.remote)
	at := quota.Counted(c.client.Addr())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= mostStreams || s.strangers[at] >= mostStrangers {
		s.stats.overStreams.Add(1)
		return nil
	}
	s.strangers[at]++
	s.conns[c.remote] = c
	s.held.Add(1)
	_ = raw.SetReadDeadline(time.Now().Add(strangerTime))
	return c
}

// prove takes note that a client has an allocation, or has none any more.
func (s *Server) prove(from net.Addr, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conns[from]
	if c == nil || c.proven == has {
		return
	}
	c.proven = has
	var until time.Time
	if has {
		s.known(c)
	} else {
		s.strangers[quota.Counted(c.client.Addr())]++
		until = time.Now().Add(farewellTime)
	}
	_ = c.SetReadDeadline(until)
}

// known takes a stream from the strangers. The caller holds mu.
func (s *Server) known(c *conn) {
	at := quota.Counted(c.client.Addr())
	if s.strangers[at]--; s.strangers[at] <= 0 {
		delete(s.strangers, at)
	}
}

// RemoteAddr returns the same pointer every time: see Server.conns.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// Close closes the stream. Who reads from it and the server may do so at once.
func (c *conn) Close() error {
	err := c.Conn.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	c.once.Do(func() {
		c.s.mu.Lock()
		delete(c.s.conns, c.remote)
		if !c.proven {
			c.s.known(c)
		}
		c.s.mu.Unlock()
		c.s.held.Done()
	})
	return err
}

// Read returns one whole frame.
func (c *conn) Read(p []byte) (int, error) {
	for {
		held := c.buffer[c.from:c.to]
		n, err := frame.Length(held)
		if err != nil || n > len(p) {
			c.s.stats.garbage.Add(1)
			return 0, errors.Join(frame.ErrGarbage, c.Close())
		}
		if n == 0 || n > len(held) {
			if err := c.fill(); err != nil {
				return 0, err
			}
			continue
		}
		whole := held[:n]
		c.from += n
		if frame.IsRequest(whole) && !c.s.gate.Take(c.s.now(), c.client.Addr()) {
			c.s.stats.limited.Add(1)
			continue
		}
		c.request, c.requested = frame.Allocation(whole)
		return copy(p, whole), nil
	}
}

// fill reads more behind what is held, which is less than one frame.
func (c *conn) fill() error {
	c.to = copy(c.buffer[:], c.buffer[c.from:c.to])
	c.from = 0
	n, err := c.Conn.Read(c.buffer[c.to:])
	c.to += n
	if n > 0 {
		return nil
	}
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		c.s.stats.halfOpen.Add(1)
	}
	return err
}

// Write sends a frame.
func (c *conn) Write(p []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTime)) // the write says what is wrong with it
	n, err := c.Conn.Write(p)
	if err != nil { // half a frame may have left: nothing can follow it
		_ = c.Close()
	}
	return n, err
}
