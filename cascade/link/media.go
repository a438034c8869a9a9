package link

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// outgoing is the sending media connection of a link.
type outgoing struct {
	l    *control
	anew chan struct{} // replace the connection
	up   atomic.Bool
}

func newOutgoing(l *control) *outgoing { return &outgoing{l: l, anew: make(chan struct{}, 1)} }

// renew replaces the connection by a new one as soon as there is one.
func (m *outgoing) renew() {
	select {
	case m.anew <- struct{}{}:
	default:
	}
}

// run keeps a media connection for the life of the link.
func (m *outgoing) run() {
	p, ctx := m.l.p, m.l.ctx
	p.out.empty()
	defer p.out.empty()
	var pumping sync.WaitGroup
	defer pumping.Wait()
	var now carrier
	ended := make(chan struct{})
	stop := context.CancelFunc(func() {})
	defer func() { stop() }()
	pause, packet := leastPause, p.e.socket.firstPacket()
	wait := func() {
		p.rest(pause/2+rand.N(pause/2), ctx.Done())
		pause = min(2*pause, mostPause)
	}
	for ctx.Err() == nil {
		conn, err := p.e.dial(ctx, p.name, p.mediaAddr(m.l), protocolMedia, packet, true)
		if err != nil {
			if ctx.Err() == nil {
				p.e.trouble.note("no media connection", p.name, m.l.conn.RemoteAddr(), err)
			}
			packet = p.e.socket.firstPacket() - packet // the path may be too narrow for the larger one
			wait()
			continue
		}
		if now != nil {
			stop()
			now.close(codeReplaced, "a new media connection")
			pumping.Wait()
		}
		now = newDatagrams(conn)
		ended = make(chan struct{})
		pump, cancel := context.WithCancel(ctx)
		stop = cancel
		m.up.Store(true)
		begun := time.Now()
		pumping.Go(func() {
			defer close(ended)
			m.pump(pump, now)
		})
		select {
		case <-ended:
			m.up.Store(false)
			if time.Since(begun) > settled {
				pause = leastPause
			}
			wait()
		case <-m.anew:
		case <-ctx.Done():
		}
	}
	m.up.Store(false)
	stop()
	if now != nil {
		now.close(codeStops, "the link ended")
	}
}

// pump sends what waits over one connection.
func (m *outgoing) pump(ctx context.Context, over carrier) {
	p := m.l.p
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(over.context(), cancel)()
	for {
		data, class := p.out.get(time.Now())
		if data == nil {
			select {
			case <-p.out.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		err := over.send(ctx, *data)
		size := len(*data)
		release(data)
		switch {
		case err == nil:
			p.tally.sent(class, size)
		case errors.Is(err, errTooLarge):
			p.tally.dropped(class, size)
		default:
			p.tally.dropped(class, size)
			return
		}
	}
}

// receive takes what comes over a media connection of the peer, until it or the link ends.
func (l *control) receive(from carrier) {
	l.mu.Lock()
	before := l.arrives
	if l.ended {
		before = from
	} else {
		l.arrives = from
		l.running.Add(1)
		defer l.running.Done()
	}
	l.mu.Unlock()
	if before != nil {
		before.close(codeReplaced, "a newer media connection")
	}
	if before == from {
		return
	}
	p := l.p
	<-l.ready
	for {
		datagram, err := from.receive(l.ctx)
		if err != nil {
			from.close(codeStops, "the link ended")
			return
		}
		now := time.Now()
		p.heard.Store(int64(now.Sub(p.e.began)))
		p.tally.received(len(datagram))
		p.e.cfg.Handler.Datagram(p.name, datagram, now)
	}
}
