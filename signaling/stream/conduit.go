package stream

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// conduit is the connection below a WebSocket. Between cork and flush it collects what is written, so that a batch of
// messages leaves in one system call.
type conduit struct {
	net.Conn
	turn   chan struct{} // a lock that may be held while a write blocks
	corked []byte        // nil when not corked
}

const (
	conduitBuffer = 16 << 10
	frameBuffer   = 256 // of the WebSocket above: headers and control frames
	readBuffer    = 512 // likewise: longer messages are read past it, and the HTTP server's has 4 KiB
)

var corkBuffers = sync.Pool{New: func() any { b := make([]byte, 0, conduitBuffer); return &b }}

func newConduit(c net.Conn) *conduit { return &conduit{Conn: c, turn: make(chan struct{}, 1)} }

func (c *conduit) Write(p []byte) (int, error) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.corked == nil {
		return c.Conn.Write(p)
	}
	if len(c.corked)+len(p) > conduitBuffer && len(c.corked) > 0 {
		if _, err := c.Conn.Write(c.corked); err != nil {
			return 0, err
		}
		c.corked = c.corked[:0]
	}
	if len(p) >= conduitBuffer {
		return c.Conn.Write(p)
	}
	c.corked = append(c.corked, p...)
	return len(p), nil
}

// cut closes the connection as a lost network does, without a word: TLS says good-bye, and waits up to 5 s for a client that does
// not read, as does everybody else who cuts meanwhile.
func (c *conduit) cut() {
	below := c.Conn
	if secure, ok := below.(interface{ NetConn() net.Conn }); ok {
		below = secure.NetConn()
	}
	_ = below.Close()
}

func (c *conduit) cork() {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.corked = (*corkBuffers.Get().(*[]byte))[:0]
}

func (c *conduit) flush() error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	b := c.corked
	c.corked = nil
	defer corkBuffers.Put(&b)
	if len(b) == 0 {
		return nil
	}
	_, err := c.Conn.Write(b)
	return err
}

// hijacker gives the WebSocket library a conduit in place of the connection and keeps it.
type hijacker struct {
	http.ResponseWriter
	conduit *conduit
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take the connection over: %w", err)
	}
	h.conduit = newConduit(conn)
	// What is in rw.Writer is the answer to the upgrade request: it must leave first.
	if err := rw.Flush(); err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("answer the upgrade: %w", err)
	}
	writer := bufio.NewWriterSize(h.conduit, frameBuffer)
	if rw.Reader.Buffered() > 0 { // of a client that does not wait for the answer
		return h.conduit, bufio.NewReadWriter(rw.Reader, writer), nil
	}
	return h.conduit, bufio.NewReadWriter(bufio.NewReaderSize(h.conduit, readBuffer), writer), nil
}
