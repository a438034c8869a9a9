package stream

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// socket is one WebSocket: a reader that owns the engine, and while there is something to write a writer that empties the queue.
type socket struct {
	server  *Server
	conn    *websocket.Conn
	conduit *conduit
	queue   *queue
	engine  *engine  // of the reader
	session *Session // of the reader; nil until bound or resumed
	previd  string   // resume token in the URL: the log-in takes its owner's identity over
	base    string   // scheme and host by which the client came
	dead    chan struct{}
	kill    func() // closes dead and the connection, once
}

func newSocket(s *Server, conn *websocket.Conn, c *conduit, e *engine) *socket {
	k := &socket{
		server: s, conn: conn, conduit: c, engine: e,
		dead: make(chan struct{}),
	}
	k.queue = newQueue(s.limits, k.write)
	k.kill = sync.OnceFunc(func() {
		close(k.dead)
		c.cut()
	})
	conn.SetReadLimit(-1) // read bounds messages itself and says so in a stream error
	return k
}

// finish writes the messages and closes the socket, within Limits.Linger.
func (k *socket) finish(messages ...[]byte) {
	k.queue.finish(messages...)
	// After the queue knows: the writer, who may be about to allow a batch more time, looks there last.
	_ = k.conduit.SetWriteDeadline(time.Now().Add(k.server.limits.Linger))
}

var (
	errTooLong = errors.New("message too long")
	errBinary  = errors.New("binary message")
)

var readBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// read returns the next message, in bytes of its own.
func (k *socket) read(limit int) ([]byte, error) {
	kind, r, err := k.conn.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, errBinary
	}
	pooled := readBuffers.Get().(*[]byte)
	b := (*pooled)[:0]
	for err == nil {
		if len(b) > limit {
			err = errTooLong
			break
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		var n int
		n, err = r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
	}
	message := make([]byte, len(b))
	copy(message, b)
	if cap(b) <= 64<<10 {
		*pooled = b
		readBuffers.Put(pooled)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err == nil && len(message) > limit {
		err = errTooLong
	}
	return message, err
}

// serve is the reader. It returns when the socket is gone and the session knows.
func (k *socket) serve() {
	ping := k.keepAlive()
	k.readAll()
	k.kill()
	ping.Stop()
	if k.session != nil {
		k.session.detach(k, 0)
	}
	k.queue.end()
	_ = k.conn.CloseNow() // releases a ping that waits
}

// keepAlive pings the client every now and then, and gives the socket up when no answer comes.
func (k *socket) keepAlive() *time.Timer {
	var t *time.Timer
	started := make(chan struct{})
	t = time.AfterFunc(k.server.limits.Ping, func() {
		<-started
		k.server.spawn(func() {
			ctx, cancel := context.WithTimeout(context.Background(), k.server.limits.Pong)
			defer cancel()
			if err := k.conn.Ping(ctx); err != nil {
				k.kill()
				return
			}
			select {
			case <-k.dead:
			default:
				t.Reset(k.server.limits.Ping)
			}
		})
	})
	close(started)
	return t
}

// readAll reads until the stream has ended or the socket is lost.
func (k *socket) readAll() {
	var deadline time.Time
	for {
		if deadline != k.engine.deadline {
			deadline = k.engine.deadline
			_ = k.conduit.SetReadDeadline(deadline)
		}
		message, err := k.read(k.engine.maxBytes())
		now := time.Now()
		var s step
		switch {
		case err == nil:
			k.server.stats.messagesIn.Add(1)
			k.server.stats.bytesIn.Add(uint64(len(message)))
			s = k.engine.receive(now, message)
		case errors.Is(err, errTooLong):
			s = k.engine.fail("policy-violation", err.Error(), nil)
		case errors.Is(err, errBinary):
			s = k.engine.fail("bad-format", err.Error(), nil)
		case errors.Is(err, os.ErrDeadlineExceeded):
			s = k.engine.timeout()
		default:
			return
		}
		s = k.obey(s)
		if s.kind == clientDone || s.kind == failed {
			k.over(s)
			return
		}
		if s.wait > 0 && !k.pause(s.wait) {
			return
		}
	}
}

// over lets the writer say goodbye. The session ends first, so that nothing more comes from it.
func (k *socket) over(s step) {
	if k.session != nil {
		cause := ClientClosed
		if s.kind == failed {
			cause = StreamError
		}
		k.session.detach(k, cause)
	}
	if s.kind == failed {
		k.server.stats.streamErrors.Add(1)
	}
	k.finish(s.write...)
	k.queue.end()
}

func (k *socket) pause(d time.Duration) bool {
	k.server.stats.throttled.Add(1)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-k.dead:
		return false
	}
}

// obey does what a step asks for. The step that it returns has failed where that could not be done.
func (k *socket) obey(s step) step {
	switch s.kind {
	case failed, clientDone:
		return s
	case bind:
		return k.server.bind(k, s)
	case resume:
		return k.server.resume(k, s)
	case routed:
		k.session.route(k, s.stanza)
	case answered:
		if k.session.route(k, nil) {
			for _, xml := range s.write {
				k.session.Send(xml)
			}
		}
	case enable:
		k.session.enable(k, s.resume)
	case ack:
		if detail := k.session.acknowledge(k, s.h); detail != nil {
			f := k.engine.fail("undefined-condition", "", detail)
			return f
		}
	case acked:
		k.session.sendAck(k)
	case nothing:
		for _, xml := range s.write {
			if !k.queue.put(xml) {
				return k.engine.fail("resource-constraint", "", nil)
			}
		}
	}
	return s
}

// write is the writer. It ends when nothing is left to write, and with the socket.
func (k *socket) write() {
	for {
		messages, last := k.queue.take()
		if len(messages) == 0 && !last {
			return
		}
		select {
		case <-k.dead:
			return
		default:
		}
		_ = k.conduit.SetWriteDeadline(time.Now().Add(k.server.limits.Write))
		if k.queue.finished() {
			_ = k.conduit.SetWriteDeadline(time.Now().Add(k.server.limits.Linger))
		}
		if !k.send(messages) {
			k.kill()
			return
		}
		k.queue.left(messages)
		if last {
			k.close()
			k.kill()
			return
		}
		_ = k.conduit.SetWriteDeadline(time.Time{}) // control frames have their own
	}
}

func (k *socket) send(messages [][]byte) bool {
	k.conduit.cork()
	for _, xml := range messages {
		if err := k.conn.Write(context.Background(), websocket.MessageText, xml); err != nil {
			_ = k.conduit.flush()
			return false
		}
		k.server.stats.messagesOut.Add(1)
		k.server.stats.bytesOut.Add(uint64(len(xml)))
	}
	return k.conduit.flush() == nil
}

// close does the closing handshake of the WebSocket, as far as the client takes part in time.
func (k *socket) close() {
	t := time.AfterFunc(k.server.limits.Linger, k.kill)
	defer t.Stop()
	_ = k.conduit.SetReadDeadline(time.Time{})
	_ = k.conn.Close(websocket.StatusNormalClosure, "")
}
