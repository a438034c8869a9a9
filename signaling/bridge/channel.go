package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Status is a WebSocket close code (RFC 6455 7.4).
type Status = websocket.StatusCode

// Close codes of channels. A client that is alone in its room does not come back after StatusGoingAway; in every other
// case it opens the channel again after 1, 2, 4 … 60 s.
const (
	StatusNormal          = websocket.StatusNormalClosure
	StatusGoingAway       = websocket.StatusGoingAway
	StatusUnsupported     = websocket.StatusUnsupportedData
	StatusPolicyViolation = websocket.StatusPolicyViolation
	StatusTooBig          = websocket.StatusMessageTooBig
	StatusTryAgainLater   = websocket.StatusTryAgainLater
)

const (
	pingEvery    = 15 * time.Second
	pongWithin   = 14 * time.Second
	writeTimeout = 10 * time.Second
	closeTimeout = 10 * time.Second
)

// Handler receives what comes on a channel. Calls for one channel come one at a time, Opened first and Closed last, and
// must not block.
type Handler interface {
	Opened(*Channel)
	Message(*Channel, Message)
	// Closed says why the channel ended: ErrReplaced, a websocket.CloseError from the client, or what failed.
	Closed(*Channel, error)
}

// ErrReplaced closes a channel whose endpoint opened a newer one.
var ErrReplaced = errors.New("replaced by a newer channel")

// errFull closes a channel whose client does not read.
var errFull = errors.New("outgoing queue full")

// errClosed closes a channel that our side closed.
var errClosed = errors.New("closed by the node")

// Channel is one open bridge channel.
type Channel struct {
	conn    connection
	handler Handler
	raw     func(message []byte) // takes the messages as they come, instead of handler; nil: none
	out     queue
	closing chan struct{} // closed as soon as nothing more is to be sent or delivered
	once    sync.Once
	reason  error          // why closing was closed
	broken  *atomic.Uint64 // counts channels that end by their client's fault
	helpers sync.WaitGroup

	gate     sync.Mutex // guards what follows
	shutting bool       // nobody helps any more who does not yet
	pings    *time.Timer

	calls         sync.Mutex // held while the handler is called
	opened, ended bool
}

// connection is what carries a channel: the socket of its client, or the way to a client at another node.
type connection interface {
	// read returns the next message, longer than MaxMessage when it is too long.
	read() (text bool, message []byte, err error)
	write(ctx context.Context, message []byte) error
	ping(ctx context.Context) error
	// close says good-bye and returns within closeTimeout, cut does not.
	close(code Status, reason string)
	cut()
}

// socket is a connection to a client that came here.
type socket struct {
	conn  *websocket.Conn
	below io.Closer // the connection under conn
}

func (s socket) read() (bool, []byte, error) {
	kind, r, err := s.conn.Reader(context.Background())
	if err != nil {
		return false, nil, err
	}
	message, err := io.ReadAll(io.LimitReader(r, MaxMessage+1))
	return kind == websocket.MessageText, message, err
}

func (s socket) write(ctx context.Context, message []byte) error {
	return s.conn.Write(ctx, websocket.MessageText, message)
}

func (s socket) ping(ctx context.Context) error { return s.conn.Ping(ctx) }

func (s socket) cut() { _ = s.conn.CloseNow() }

func (s socket) close(code Status, reason string) {
	// The library waits for the rest of a message for ever.
	giveUp := time.AfterFunc(closeTimeout, func() { _ = s.below.Close() })
	defer giveUp.Stop()
	_ = s.conn.Close(code, reason)
}

func newChannel(conn connection, h Handler, broken *atomic.Uint64) *Channel {
	c := &Channel{conn: conn, handler: h, broken: broken, closing: make(chan struct{})}
	c.out.begin = func() bool { return c.help(c.write) }
	return c
}

// Send queues m. It never blocks and may be called from anywhere. When the queue is full the channel closes; on a closed
// channel Send does nothing.
func (c *Channel) Send(m Message) {
	if b := Encode(m); b != nil {
		c.SendEncoded(b)
	}
}

// SendEncoded queues a frame that Encode returned: one encoding serves many channels. Nobody may change frame any more.
func (c *Channel) SendEncoded(frame []byte) {
	select {
	case <-c.closing:
		return
	default:
	}
	if !c.out.push(frame) {
		c.shut(StatusTryAgainLater, "too slow", errFull)
	}
}

// Close closes the channel with a code and a reason of at most 123 bytes. It does not wait: Closed follows when the
// client has answered, or after ten seconds at most. Nothing that comes meanwhile is delivered.
func (c *Channel) Close(code Status, reason string) { c.shut(code, reason, errClosed) }

func (c *Channel) shut(code Status, reason string, why error) {
	c.once.Do(func() {
		c.reason = why
		if code == StatusUnsupported || code == StatusPolicyViolation || code == StatusTooBig || errors.Is(why, errFull) {
			c.broken.Add(1)
		}
		close(c.closing)
		c.gate.Lock()
		c.shutting = true
		if c.pings != nil {
			c.pings.Stop()
		}
		c.gate.Unlock()
		c.helpers.Go(func() {
			if errors.Is(why, ErrReplaced) {
				c.conn.cut() // the client has turned to the newer one: nobody is there to say good-bye to
				return
			}
			c.conn.close(code, reason)
		})
	})
}

// run reads until the channel ends. It returns after the goroutines of the channel have ended and Closed was called.
func (c *Channel) run() {
	c.keepAlive()
	err := c.read()
	c.shut(StatusNormal, "", err)
	c.end(c.reason)
	c.helpers.Wait()
}

func (c *Channel) read() error {
	begun := time.Now()
	messages, octets := newBucket(begun, bucketRate, bucketBurst), newBucket(begun, byteRate, byteBurst)
	for {
		text, frame, err := c.conn.read()
		if err != nil {
			return fmt.Errorf("read bridge channel: %w", err)
		}
		if len(frame) > MaxMessage {
			c.shut(StatusTooBig, "message too big", errors.New("message too big"))
			return c.reason
		}
		if !text {
			c.shut(StatusUnsupported, "text only", errors.New("binary frame"))
			return c.reason
		}
		if now := time.Now(); !messages.take(now, 1) || !octets.take(now, len(frame)) {
			c.shut(StatusPolicyViolation, "too many messages", errors.New("too many messages"))
			return c.reason
		}
		if c.raw != nil {
			c.raw(frame)
			continue
		}
		m, err := Decode(frame)
		if err != nil {
			continue // it counts against the rate
		}
		if _, ok := m.(Unknown); !ok {
			c.deliver(m)
		}
	}
}

func (c *Channel) deliver(m Message) {
	select {
	case <-c.closing:
		return
	default:
	}
	c.calls.Lock()
	defer c.calls.Unlock()
	if !c.ended {
		c.handler.Message(c, m)
	}
}

func (c *Channel) open() {
	c.calls.Lock()
	defer c.calls.Unlock()
	if !c.ended {
		c.opened = true
		c.handler.Opened(c)
	}
}

// end calls Closed, once, if Opened was called.
func (c *Channel) end(why error) {
	c.calls.Lock()
	defer c.calls.Unlock()
	if c.opened && !c.ended {
		c.handler.Closed(c, why)
	}
	c.ended = true
}

// write writes what waits. It ends when there is nothing.
func (c *Channel) write() {
	for {
		frames := c.out.pop()
		if len(frames) == 0 {
			return
		}
		for _, frame := range frames {
			select {
			case <-c.closing:
				return
			default:
			}
			if !c.writeFrame(frame) {
				return
			}
		}
	}
}

func (c *Channel) writeFrame(frame []byte) bool {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	if err := c.conn.write(ctx, frame); err != nil {
		c.failed("", fmt.Errorf("write bridge channel: %w", err))
		return false
	}
	return true
}

// failed closes a channel that something could not be written to. Of a connection that is closed already the reader knows more:
// what the client said.
func (c *Channel) failed(reason string, why error) {
	if !errors.Is(why, net.ErrClosed) {
		c.shut(StatusTryAgainLater, reason, why)
	}
}

// help runs f in a goroutine that run waits for, and reports whether it does: on a closing channel it does not.
func (c *Channel) help(f func()) bool {
	c.gate.Lock()
	defer c.gate.Unlock()
	if !c.shutting {
		c.helpers.Go(f)
	}
	return !c.shutting
}

// keepAlive lets the next ping happen in a while. Until then there is no goroutine for it.
func (c *Channel) keepAlive() {
	c.gate.Lock()
	defer c.gate.Unlock()
	if !c.shutting {
		c.pings = time.AfterFunc(pingEvery, func() { c.help(c.ping) })
	}
}

func (c *Channel) ping() {
	ctx, cancel := context.WithTimeout(context.Background(), pongWithin)
	defer cancel()
	if err := c.conn.ping(ctx); err != nil {
		c.failed("no pong", fmt.Errorf("ping bridge channel: %w", err))
		return
	}
	c.keepAlive()
}
