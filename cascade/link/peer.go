package link

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	leastPause = 100 * time.Millisecond
	mostPause  = 2 * time.Second
	settled    = 5 * time.Second // a link that lasted so long may be dialled anew at once
	patient    = 2 * time.Second // an attempt this old is given up when the peer comes alive
	longDead   = time.Second
	spread     = time.Millisecond // for each peer: not all are to be dialled at one instant
)

// peer is another member.
type peer struct {
	e      *Endpoint
	name   identity.Name
	ctx    context.Context // the life of the membership
	cancel context.CancelFunc
	out    *outbox
	tally  tally
	heard  atomic.Int64            // when media came last, since the endpoint began
	up     atomic.Pointer[control] // between LinkUp and LinkDown
	before *control                // of an earlier membership, may not be down yet

	mu       sync.Mutex
	want     Peer
	theirs   bool // the peer wants a link
	path     netip.AddrPort
	alive    bool
	died     time.Time
	place    *control // up, or about to be, or about to end
	arriving int
	dialling bool
	attempt  attempt
	kick     chan struct{} // do not pause
	faults   faults
}

// attempt is a connection that is being dialled. Its address is not valid when there is none.
type attempt struct {
	addr  netip.AddrPort
	begun time.Time
	stop  context.CancelFunc
}

func newPeer(e *Endpoint, name identity.Name, before *control) *peer {
	p := &peer{e: e, name: name, before: before, kick: make(chan struct{}, 1)}
	p.out = newOutbox(&p.tally)
	p.ctx, p.cancel = context.WithCancel(e.ctx)
	return p
}

func byName(a, b *peer) int { return strings.Compare(string(a.name), string(b.name)) }

// remove ends the membership. It returns the link that is still to end.
func (p *peer) remove() *control {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.place
}

// set takes what this node wants of the peer. The endpoint is not closed.
func (p *peer) set(want Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.want = want
	p.consider()
}

// hears takes what heartbeats say.
func (p *peer) hears(wantsLink bool, path netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.theirs, p.path = wantsLink, path
	p.hasten(path.IsValid() && p.attempt.addr != path)
	p.consider()
}

// hasten ends the attempt under way, when there is one and it should. The lock is held.
func (p *peer) hasten(end bool) {
	if end && p.attempt.addr.IsValid() {
		p.attempt.stop()
		p.attempt = attempt{}
	}
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// turned takes that the peer came alive or died.
func (p *peer) turned(alive bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive = alive
	if !alive {
		p.died = now
		return
	}
	long := p.died.IsZero() || now.Sub(p.died) >= longDead
	p.hasten(long && now.Sub(p.attempt.begun) > patient)
	if l := p.up.Load(); l != nil {
		l.revive(!p.died.IsZero() && now.Sub(p.died) >= longDead)
	}
}

// restarted takes that the peer's heartbeats show another start.
func (p *peer) restarted(started uint64) {
	p.mu.Lock()
	l := p.place
	p.mu.Unlock()
	if l != nil && l.hello.Started != started {
		l.fail(codeReplaced, errors.New("the other node started again"))
	}
}

func (p *peer) wanted() bool { return (p.want.Link || p.theirs) && p.ctx.Err() == nil }

// consider starts what is wanted now. The lock is held.
func (p *peer) consider() {
	if p.place != nil {
		select {
		case p.place.look <- struct{}{}:
		default:
		}
	}
	if p.wanted() && p.e.self < p.name && !p.dialling {
		p.dialling = true
		p.e.running.Go(p.dial)
	}
}

// dial keeps the control connection while it is wanted.
func (p *peer) dial() {
	pause := leastPause
	p.rest(rand.N(spread*time.Duration(1+len(*p.e.peers.Load()))), nil)
	for try := 0; ; try++ {
		p.mu.Lock()
		if !p.wanted() {
			p.dialling = false
			p.mu.Unlock()
			return
		}
		addr := p.target(try)
		ctx, cancel := context.WithCancel(p.ctx)
		now := time.Now()
		p.attempt = attempt{addr, now, cancel}
		banned := p.faults.rest(now)
		p.mu.Unlock()

		var l *control
		err := error(errNoAddress)
		switch {
		case banned > 0:
			p.rest(banned, nil)
			cancel()
			continue
		case addr.IsValid():
			l, err = p.connect(ctx, addr)
		}
		givenUp := ctx.Err() != nil
		cancel()
		p.mu.Lock()
		p.attempt = attempt{}
		p.mu.Unlock()
		if err == nil {
			begun := time.Now()
			l.serve()
			if time.Since(begun) > settled {
				pause = leastPause
			}
			try = -1
		} else if !givenUp {
			p.e.trouble.note("no link", p.name, udpAddr(addr), err)
		}
		if p.rest(pause/2+rand.N(pause/2), p.kick) {
			pause, try = leastPause, -1
			continue
		}
		pause = min(2*pause, mostPause)
	}
}

var errNoAddress = errors.New("no address is known")

// rest waits, and reports whether kick ended it.
func (p *peer) rest(d time.Duration, kick <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
	case <-kick:
		return true
	}
	return false
}

// target returns where to dial: the address that heartbeats come from, then the others in turn. The lock is held.
func (p *peer) target(try int) netip.AddrPort {
	all := p.want.Addrs
	if p.path.IsValid() && !slices.Contains(all, p.path) || len(all) > 0 && p.path.IsValid() && all[0] != p.path {
		all = append([]netip.AddrPort{p.path}, all...)
	}
	if len(all) == 0 {
		return netip.AddrPort{}
	}
	return all[try%len(all)]
}

// first returns the first address that was said.
func (p *peer) first() netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.want.Addrs) == 0 {
		return netip.AddrPort{}
	}
	return p.want.Addrs[0]
}

// mediaAddr returns where to dial a media connection for a link.
func (p *peer) mediaAddr(l *control) netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.path.IsValid() {
		return p.path
	}
	return addrPort(l.conn.RemoteAddr())
}

// connect dials the control connection.
func (p *peer) connect(ctx context.Context, addr netip.AddrPort) (*control, error) {
	p.mu.Lock()
	heard := p.path.IsValid()
	p.mu.Unlock()
	conn, err := p.e.dial(ctx, p.name, addr, protocolControl, 0, heard)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.CloseWithError(codeStops, "given up") })
	defer stop()
	l, err := p.greet(ctx, conn)
	if err == nil {
		err = p.take(l)
	}
	if err != nil {
		_ = conn.CloseWithError(codeMisfit, err.Error())
		return nil, err
	}
	return l, nil
}

// greet says hello first.
func (p *peer) greet(ctx context.Context, conn *quic.Conn) (*control, error) {
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, explain(err)
	}
	_ = stream.SetDeadline(time.Now().Add(waitForPlace + 2*time.Second))
	if _, err := stream.Write(p.e.hello()); err != nil {
		return nil, explain(err)
	}
	hello, err := readHello(stream)
	if err != nil {
		return nil, explain(err)
	}
	_ = stream.SetDeadline(time.Time{})
	return p.meet(conn, stream, hello)
}

// acceptControl takes a control connection from the peer.
func (p *peer) acceptControl(conn *quic.Conn) {
	l, code, err := p.greeted(conn)
	if err != nil {
		if conn.Context().Err() == nil && p.ctx.Err() == nil { // else the other one knows why
			p.e.trouble.note("refused a link", p.name, conn.RemoteAddr(), err)
		}
		_ = conn.CloseWithError(code, err.Error())
		return
	}
	l.serve()
}

func (p *peer) greeted(conn *quic.Conn) (*control, quic.ApplicationErrorCode, error) {
	if p.name > p.e.self {
		return nil, codeMisfit, errors.New("the node with the lower name dials")
	}
	if !p.arrive() {
		return nil, codeReplaced, errors.New("too many connections at once")
	}
	defer p.arrived()
	ctx, cancel := context.WithTimeout(p.ctx, handshakeSilence)
	defer cancel()
	stream, err := conn.AcceptStream(ctx)
	if err != nil {
		return nil, codeGarbage, explain(err)
	}
	_ = stream.SetDeadline(time.Now().Add(2 * handshakeSilence))
	hello, err := readHello(stream)
	if err != nil {
		return nil, codeGarbage, explain(err)
	}
	l, err := p.meet(conn, stream, hello)
	if err != nil {
		return nil, codeMisfit, err
	}
	if err := p.take(l); err != nil {
		return nil, codeReplaced, err
	}
	if _, err := stream.Write(p.e.hello()); err != nil {
		p.leave(l)
		return nil, codeGarbage, explain(err)
	}
	_ = stream.SetDeadline(time.Time{})
	return l, 0, nil
}

// arrive counts a connection that has no place yet.
func (p *peer) arrive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.arriving >= maxArriving || p.faults.rest(time.Now()) > 0 {
		return false
	}
	p.arriving++
	return true
}

func (p *peer) arrived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arriving--
}

// take gives l the place of the peer's link, when it is newer than the one that has it or that one is over.
func (p *peer) take(l *control) error {
	for {
		p.mu.Lock()
		before := p.place
		if p.ctx.Err() != nil {
			p.mu.Unlock()
			return errGone
		}
		if before == nil {
			p.place = l
			p.mu.Unlock()
			return nil
		}
		p.mu.Unlock()
		if before.conn.Context().Err() == nil {
			if !newer(l.hello, before.hello) {
				return errors.New("there is a newer link")
			}
			before.fail(codeReplaced, errors.New("a newer link took its place"))
		}
		<-before.done
	}
}

// leave gives the place up.
func (p *peer) leave(l *control) {
	p.mu.Lock()
	p.place = nil
	p.mu.Unlock()
	p.e.mu.Lock()
	if p.e.leaving[p.name] == l {
		delete(p.e.leaving, p.name)
	}
	p.e.mu.Unlock()
	close(l.done)
}

// acceptMedia takes a media connection from the peer, as soon as there is a link.
func (p *peer) acceptMedia(conn *quic.Conn) {
	l, err := p.link(conn)
	if err != nil {
		_ = conn.CloseWithError(codeStranger, err.Error())
		return
	}
	l.receive(newDatagrams(conn))
}

// link waits for the link that a media connection belongs to.
func (p *peer) link(conn *quic.Conn) (*control, error) {
	if !p.arrive() {
		return nil, errors.New("too many connections at once")
	}
	defer p.arrived()
	ctx, cancel := context.WithTimeout(p.ctx, waitForPlace)
	defer cancel()
	for {
		p.e.mu.Lock()
		changed := p.e.changed
		p.e.mu.Unlock()
		if l := p.up.Load(); l != nil {
			return l, nil
		}
		select {
		case <-changed:
		case <-conn.Context().Done():
			return nil, errors.New("closed meanwhile")
		case <-ctx.Done():
			return nil, errors.New("no link to carry media for")
		}
	}
}
