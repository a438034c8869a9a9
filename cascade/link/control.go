package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/atoll-mesh/atoll/cascade/wire"
)

const (
	maxQueued  = 8 << 20 // bytes that wait to be sent
	keepBuffer = 64 << 10
	leastRead  = 4 << 10
	unwanted   = 10 * time.Second
)

// control is a control connection whose ends have agreed.
type control struct {
	p       *peer
	conn    *quic.Conn
	stream  *quic.Stream // of the hellos
	hello   wire.Hello
	version uint16
	ctx     context.Context // ends when serve does
	cancel  context.CancelFunc
	lanes   [wire.Lanes]lane
	queued  atomic.Int64
	media   *outgoing
	look    chan struct{} // whether it is wanted may have changed
	nudge   chan struct{} // the peer came alive
	ready   chan struct{} // closed when LinkUp was said
	done    chan struct{} // closed when LinkDown was
	opened  atomic.Uint32 // lanes that the peer opened, as bits

	mu      sync.Mutex
	ended   bool
	reason  error
	running sync.WaitGroup
	arrives carrier // media from the peer
}

// lane is the sending end of one.
type lane struct {
	mu      sync.Mutex
	waiting []byte
	open    bool
	wake    chan struct{}
}

// newer reports whether a is of a later start than b, or was sent later.
func newer(a, b wire.Hello) bool {
	if a.Started != b.Started {
		return a.Started > b.Started
	}
	return a.Clock > b.Clock
}

// meet makes a link of a connection when both fit.
func (p *peer) meet(conn *quic.Conn, stream *quic.Stream, hello wire.Hello) (*control, error) {
	version, err := p.e.agree(p.name, hello, time.Now())
	if err != nil {
		return nil, err
	}
	l := &control{
		p: p, conn: conn, stream: stream, hello: hello, version: version,
		look: make(chan struct{}, 1), nudge: make(chan struct{}, 1),
		ready: make(chan struct{}), done: make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(conn.Context())
	for i := range l.lanes {
		l.lanes[i].wake = make(chan struct{}, 1)
	}
	l.media = newOutgoing(l)
	return l, nil
}

// serve is the life of a link, from LinkUp to LinkDown.
func (l *control) serve() {
	p := l.p
	if p.before != nil {
		<-p.before.done
	}
	p.up.Store(l)
	p.e.mu.Lock()
	p.e.announce()
	p.e.mu.Unlock()
	p.e.cfg.Handler.LinkUp(p.name, l.hello)
	close(l.ready)
	l.start(l.acceptLanes)
	l.start(l.listen)
	l.start(l.media.run)
	l.wait()

	p.up.Store(nil)
	l.mu.Lock()
	l.ended = true
	if l.reason == nil {
		l.reason = explain(context.Cause(l.conn.Context()))
	}
	reason, arrives := l.reason, l.arrives
	l.mu.Unlock()
	l.cancel()
	if arrives != nil {
		arrives.close(codeReplaced, "the link ended")
	}
	l.running.Wait()
	p.e.cfg.Handler.LinkDown(p.name, reason)
	p.leave(l)
}

// wait returns when the link is over.
func (l *control) wait() {
	p := l.p
	timer := time.NewTimer(unwanted)
	defer timer.Stop()
	waiting := true
	for {
		select {
		case <-l.conn.Context().Done():
			return
		case <-p.ctx.Done():
			code, why := codeStranger, errGone
			if p.e.ctx.Err() != nil {
				code, why = codeStops, errStops
			}
			l.fail(code, why)
			return
		case <-l.nudge:
			_ = l.stream.TryWriteAll([]byte{0}) // what cannot be written is on its way already
		case <-timer.C:
			waiting = false
			if !l.wanted() {
				l.fail(codeUnwanted, errUnwanted)
				return
			}
		case <-l.look:
			if wanted := l.wanted(); wanted == waiting {
				if waiting = !wanted; waiting {
					timer.Reset(unwanted)
				} else {
					timer.Stop()
				}
			}
		}
	}
}

func (l *control) wanted() bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.p.wanted()
}

// start runs f, which ends with the link.
func (l *control) start(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.running.Go(f)
	return true
}

// fail closes the connection for a reason; the first counts.
func (l *control) fail(code quic.ApplicationErrorCode, why error) {
	l.mu.Lock()
	if l.reason == nil && l.conn.Context().Err() == nil {
		l.reason = why
	}
	l.mu.Unlock()
	_ = l.conn.CloseWithError(code, fmt.Sprintf("%.200v", why))
}

// revive takes that the peer came alive; long says that it was dead for long.
func (l *control) revive(long bool) {
	select {
	case l.nudge <- struct{}{}:
	default:
	}
	if long {
		l.media.renew()
	}
}

// listen reads the stream of the hellos: zeros.
func (l *control) listen() {
	var b [16]byte
	for {
		n, err := l.stream.Read(b[:])
		for _, x := range b[:n] {
			if x != 0 {
				l.fail(codeGarbage, errors.New("a second hello"))
				return
			}
		}
		if err != nil {
			l.over(err)
			return
		}
	}
}

// over closes the connection because one of its streams ended, if it is not the connection that did.
func (l *control) over(err error) {
	var stream *quic.StreamError
	switch {
	case l.ctx.Err() != nil:
	case errors.As(err, &stream), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		l.fail(codeGarbage, errors.New("a stream ended"))
	default:
		l.fail(codeGarbage, explain(err))
	}
}

// send queues a frame.
func (l *control) send(number uint8, f wire.Frame) bool {
	n := &l.lanes[number]
	n.mu.Lock()
	before := len(n.waiting)
	n.waiting = wire.AppendFramed(n.waiting, f, l.version)
	added := len(n.waiting) - before
	if added > 0 && !n.open {
		n.open = l.start(func() { l.write(number) })
	}
	open := n.open
	n.mu.Unlock()
	if added == 0 {
		l.p.e.trouble.note("a frame is malformed", l.p.name, nil, wire.Valid(f))
		return false
	}
	l.p.tally.framesOut.add(added)
	if l.queued.Add(int64(added)) > maxQueued {
		l.fail(codeOverflow, fmt.Errorf("more than %d bytes wait to be sent", maxQueued))
		return false
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
	return open
}

// write is the writer of a lane.
func (l *control) write(number uint8) {
	stream, err := l.conn.OpenUniStreamSync(l.ctx)
	if err != nil {
		l.over(err)
		return
	}
	n := &l.lanes[number]
	sending := []byte{number}
	first := 1
	for {
		if _, err := stream.Write(sending); err != nil {
			l.over(err)
			return
		}
		l.queued.Add(int64(first - len(sending)))
		first = 0
		for empty := true; empty; {
			n.mu.Lock()
			spare := sending[:0]
			if cap(spare) > keepBuffer {
				spare = nil
			}
			sending, n.waiting = n.waiting, spare
			n.mu.Unlock()
			if empty = len(sending) == 0; empty {
				select {
				case <-n.wake:
				case <-l.ctx.Done():
					return
				}
			}
		}
	}
}

// acceptLanes takes the lanes that the peer opens.
func (l *control) acceptLanes() {
	for {
		stream, err := l.conn.AcceptUniStream(l.ctx)
		if err != nil {
			return
		}
		l.start(func() { l.read(stream) })
	}
}

// read is the reader of a lane.
func (l *control) read(stream *quic.ReceiveStream) {
	var number [1]byte
	if _, err := io.ReadFull(stream, number[:]); err != nil {
		l.over(err)
		return
	}
	bit := uint32(1) << number[0]
	if number[0] >= wire.Lanes || l.opened.Or(bit)&bit != 0 {
		l.fail(codeGarbage, fmt.Errorf("lane %d does not exist or is open", number[0]))
		return
	}
	r := reader{stream: stream}
	for {
		frame, err := r.next()
		if err != nil {
			l.over(err)
			return
		}
		l.p.tally.framesIn.add(len(frame))
		f, err := wire.Parse(frame, l.version)
		switch {
		case errors.Is(err, wire.ErrUnknown):
			l.p.tally.unknown.Add(1)
		case err != nil:
			l.p.e.Misbehaved(l.p.name, err)
		default:
			l.p.e.cfg.Handler.Frame(l.p.name, f)
		}
	}
}

// reader cuts frames off a stream.
type reader struct {
	stream io.Reader
	buf    []byte // from start on: read and not yet cut
	start  int
}

// next returns the next frame, which is valid until the next call. An error ends the stream.
func (r *reader) next() ([]byte, error) {
	for {
		frame, rest, err := wire.Split(r.buf[r.start:])
		if err != nil {
			return nil, err
		}
		if frame != nil {
			r.start = len(r.buf) - len(rest)
			return frame, nil
		}
		switch {
		case len(rest) == 0 && cap(r.buf) > keepBuffer, cap(r.buf) == 0:
			r.buf = make([]byte, 0, leastRead)
		case r.start > 0:
			r.buf = r.buf[:copy(r.buf[:cap(r.buf)], rest)]
		case len(r.buf) == cap(r.buf):
			r.buf = append(make([]byte, 0, 2*cap(r.buf)), rest...)
		}
		r.start = 0
		n, err := r.stream.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		if err != nil && n == 0 {
			return nil, err
		}
	}
}
