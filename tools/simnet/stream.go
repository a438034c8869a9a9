package simnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// orphan is how long a stream that was closed here waits for its peer to close it (Linux: tcp_fin_timeout).
const orphan = time.Minute

// StreamConn is one end of a stream. Its addresses are [*net.TCPAddr].
type StreamConn struct {
	host          *Host
	local, remote netip.AddrPort
	listener      *Listener // of an accepted stream, until it is settled

	changed     *sync.Cond
	established bool
	closed      bool  // by its user
	broken      bool  // nothing is sent any more
	err         error // why it is broken

	// Receiving: what can be read, what came too early, and the number of what comes next.
	buffer []byte
	early  map[uint64]*segment
	next   uint64
	ended  bool // the peer sends nothing any more
	unread int  // read here and not yet told to the peer

	// Sending.
	number uint64
	room   int // bytes that the peer has room for
	ending bool

	read, write deadline
}

var _ net.Conn = (*StreamConn)(nil)

func newStream(h *Host, local, remote netip.AddrPort) *StreamConn {
	c := &StreamConn{
		host: h, local: local, remote: remote, changed: sync.NewCond(&h.net.mu),
		early: make(map[uint64]*segment), room: window,
	}
	h.streams[pair{local, remote}] = c
	return c
}

// arrive applies a segment of the peer.
func (c *StreamConn) arrive(s *segment) {
	switch s.kind {
	case accepted:
		c.established = true
		c.transmit(&segment{kind: settled})
	case settled:
		c.established = true
		if l := c.listener; l != nil {
			c.listener = nil
			l.offer(c)
		}
	case credit:
		c.room += s.read
	case reset:
		err := error(syscall.ECONNRESET)
		if !c.established && c.listener == nil {
			err = syscall.ECONNREFUSED
		}
		c.fail(err)
	case data:
		c.early[s.number] = s
		for c.early[c.next] != nil {
			in := c.early[c.next]
			delete(c.early, c.next)
			c.next++
			c.ended = c.ended || in.end
			if c.closed && len(in.data) > 0 { // nobody will read it
				c.host.refuse(c.local, c.remote)
				c.fail(net.ErrClosed)
				return
			}
			c.buffer = append(c.buffer, in.data...)
		}
		c.finish()
	}
	c.changed.Broadcast()
}

// finish forgets a stream that both ends closed.
func (c *StreamConn) finish() {
	if c.closed && c.ended {
		delete(c.host.streams, pair{c.local, c.remote})
	}
}

// fail breaks the stream.
func (c *StreamConn) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.broken = true
	c.read.stop()
	c.write.stop()
	delete(c.host.streams, pair{c.local, c.remote})
	c.changed.Broadcast()
}

// Read waits for data. After the peer closed and everything is read it returns io.EOF.
func (c *StreamConn) Read(b []byte) (int, error) {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.fault("read", net.ErrClosed)
		case c.read.passed():
			return 0, c.fault("read", os.ErrDeadlineExceeded)
		case len(b) == 0:
			return 0, nil
		case len(c.buffer) > 0:
			n := copy(b, c.buffer)
			if c.buffer = c.buffer[n:]; len(c.buffer) == 0 {
				c.buffer = nil
			}
			c.credit(n)
			return n, nil
		case c.ended:
			return 0, io.EOF
		case c.err != nil:
			return 0, c.fault("read", c.err)
		}
		c.changed.Wait()
	}
}

// credit makes room for the peer, a quarter of the window at a time.
func (c *StreamConn) credit(n int) {
	if c.unread += n; c.unread >= window/4 && !c.ended && !c.broken {
		c.transmit(&segment{kind: credit, read: c.unread})
		c.unread = 0
	}
}

// Write sends b. It waits while the peer has no room.
func (c *StreamConn) Write(b []byte) (sent int, err error) {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	for {
		switch {
		case c.closed:
			return sent, c.fault("write", net.ErrClosed)
		case c.ending:
			return sent, c.fault("write", syscall.EPIPE)
		case c.err != nil:
			return sent, c.fault("write", c.err)
		case c.write.passed():
			return sent, c.fault("write", os.ErrDeadlineExceeded)
		case sent == len(b):
			return sent, nil
		case c.room > 0:
			n := min(len(b)-sent, c.room, segmentData)
			c.send(append([]byte(nil), b[sent:sent+n]...), false)
			sent += n
			continue
		}
		c.changed.Wait()
	}
}

func (c *StreamConn) send(b []byte, end bool) {
	c.transmit(&segment{kind: data, number: c.number, data: b, end: end})
	c.number++
	c.room -= len(b)
}

// CloseWrite tells the peer that nothing follows. Reading goes on.
func (c *StreamConn) CloseWrite() error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed {
		return c.fault("close", net.ErrClosed)
	}
	c.end()
	return nil
}

func (c *StreamConn) end() {
	if !c.ending && !c.broken {
		c.ending = true
		c.send(nil, true)
	}
}

// Close closes the stream; who waits in it is woken. What was written still arrives. When something was not read the peer
// is told by a reset, as TCP does.
func (c *StreamConn) Close() error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed {
		return c.fault("close", net.ErrClosed)
	}
	c.closed = true
	c.read.stop()
	c.write.stop()
	c.changed.Broadcast()
	if len(c.buffer) > 0 && !c.broken {
		c.buffer = nil
		c.host.refuse(c.local, c.remote)
		c.fail(net.ErrClosed)
		return nil
	}
	c.end()
	c.finish()
	c.host.net.after(orphan, func() {
		if key := (pair{c.local, c.remote}); c.host.streams[key] == c {
			delete(c.host.streams, key)
		}
	})
	return nil
}

// LocalAddr returns the address of this end.
func (c *StreamConn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr returns the address of the other end, as it is seen from here.
func (c *StreamConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline sets the read and the write deadline.
func (c *StreamConn) SetDeadline(t time.Time) error {
	return c.change(func() { c.read.set(c.changed, t); c.write.set(c.changed, t) })
}

// SetReadDeadline sets the time at which reads give up, also those that wait.
func (c *StreamConn) SetReadDeadline(t time.Time) error {
	return c.change(func() { c.read.set(c.changed, t) })
}

// SetWriteDeadline sets the time at which writes give up, also those that wait.
func (c *StreamConn) SetWriteDeadline(t time.Time) error {
	return c.change(func() { c.write.set(c.changed, t) })
}

func (c *StreamConn) change(apply func()) error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed || c.broken {
		return c.fault("set", net.ErrClosed)
	}
	apply()
	return nil
}

func (c *StreamConn) fault(op string, err error) error {
	return &net.OpError{
		Op: op, Net: "tcp", Err: err,
		Source: net.TCPAddrFromAddrPort(c.local), Addr: net.TCPAddrFromAddrPort(c.remote),
	}
}
