package edge

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/atoll-mesh/atoll/node/edge/path"
	"github.com/atoll-mesh/atoll/node/prefetch"
)

// maxHeld bounds the packets that wait for a leg.
const maxHeld = 128

// ErrNoRoute says that there is no valid way to the client yet.
var ErrNoRoute = errors.New("no route to the client")

// Path is one ICE session: a pipe for sealed packets to and from one client. Safe for concurrent use.
type Path struct {
	edge *Edge

	mu      sync.Mutex // guards what follows
	engine  *path.Path
	next    time.Time
	sources []*source
	closed  bool

	due      atomic.Int64          // instant from which tick has something to do
	route    atomic.Pointer[route] // where packets go
	fallback atomic.Pointer[route] // where the last DTLS record came from

	owner  atomic.Pointer[Leg]             // the leg whose own path this is
	notify atomic.Pointer[func(PathEvent)] // of a path without a leg

	in   sync.Mutex // guards what follows; held while packets are delivered
	sink sink
	held []held

	shard   *shard     // sends for the path
	pending []outgoing // guarded by the shard's lock
}

// sink takes a sealed packet, which it may overwrite, and reports whether it did. What it does not take is kept.
type sink func(sealed []byte, arrived time.Time) bool

type held struct {
	packet  []byte
	arrived time.Time
}

// source is a pair from which the client's authenticated check came.
type source struct {
	path  *Path
	pair  path.Pair
	route *route
	heard atomic.Int64 // instant of the last DTLS or SRTP
	told  int64        // of it to the engine; guarded by path.mu
}

func (e *Edge) newPath(local path.Credentials, s path.Switches) (*Path, error) {
	p := &Path{edge: e, shard: e.out.shard(), engine: path.New(path.Config{Local: local, Switches: s, Random: e.uint64})}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, fmt.Errorf("new path: edge: %w", ErrClosed)
	}
	if _, ok := e.paths[local.Ufrag]; ok {
		return nil, fmt.Errorf("new path: the user fragment %q is in use", local.Ufrag)
	}
	e.paths[local.Ufrag] = p
	return p, nil
}

// Prepare makes a path for a client that another node serves, and tells it what becomes of it: see [Path.Notify]. Without
// credentials it has new ones. A standby, whose client was told of both paths under the same credentials, answers and checks;
// any other path nominates and sends as soon as it can. See [Path.Switch]. What comes in goes to the sink of
// [Path.Redirect], or to the leg that is imported with the same credentials.
func (e *Edge) Prepare(local Credentials, standby bool) (*Path, error) {
	if local.Ufrag == "" {
		local = Credentials{Ufrag: e.name(12), Pwd: e.name(32)}
	}
	s := path.Switches{Answer: true, Check: true, Nominate: !standby, Send: !standby, Early: !standby}
	return e.newPath(path.Credentials(local), s)
}

// PathEvent is what becomes of a path.
type PathEvent uint8

// What can become of a path.
const (
	PathHeard PathEvent = iota + 1 // the client's authenticated check came over a new pair
	PathValid                      // the client answered over a new pair
	PathLost                       // it has not answered for 30 s
)

// Notify has f called with what becomes of the path from now on. It is called from the edge's goroutines and must not block.
func (p *Path) Notify(f func(PathEvent)) { p.notify.Store(&f) }

// Local returns the credentials that the client must be told.
func (p *Path) Local() Credentials { return Credentials(p.engine.Local()) }

// SetRemote sets the client's credentials, as they were signalled.
func (p *Path) SetRemote(remote path.Credentials) {
	p.use(time.Now(), func(now time.Time) error {
		p.engine.SetRemote(now, remote)
		return nil
	})
}

// Switch changes what the path does. Switched to nominate, it takes the client over.
func (p *Path) Switch(s path.Switches) {
	p.use(time.Now(), func(now time.Time) error {
		p.engine.Switch(now, s)
		return nil
	})
}

// Ready reports whether there is a valid way to the client, whether or not the path sends.
func (p *Path) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.engine.Usable(time.Now())
}

// Lost reports whether the client has not answered for 30 s.
func (p *Path) Lost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.engine.Lost()
}

// Redirect hands every sealed packet from the client to sink from now on, first those that were kept. The packet is valid
// during the call only; the calls come one at a time from the edge's goroutines and must not block. With nil packets are
// kept until the next call, at most 128. Not from within a Receiver.
func (p *Path) Redirect(sink func(sealed []byte)) {
	if sink == nil {
		p.deliverTo(nil)
		return
	}
	p.deliverTo(func(b []byte, _ time.Time) bool {
		sink(b)
		return true
	})
}

func (p *Path) deliverTo(s sink) {
	p.in.Lock()
	defer p.in.Unlock()
	p.sink = s
	p.release()
}

// Send sends a sealed packet to the client. It is copied. ErrNoRoute is for the caller to count: a path may be sent to in advance.
func (p *Path) Send(sealed []byte) error {
	if p.route.Load() == nil {
		return ErrNoRoute
	}
	p.edge.out.queue(p, outgoing{packet: append(newBuffer(), sealed...)})
	return nil
}

// Close forgets the path. The path of a leg is closed with the leg, unless the leg was exported.
func (p *Path) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	sources := p.sources
	p.sources = nil
	ufrag := p.engine.Local().Ufrag
	p.mu.Unlock()
	e := p.edge
	e.mu.Lock()
	delete(e.paths, ufrag)
	for _, s := range sources {
		if e.table[s.pair] == s {
			delete(e.table, s.pair)
		}
	}
	e.mu.Unlock()
}

// dispatch delivers a sealed packet from the client.
func (p *Path) dispatch(b []byte, now time.Time) {
	p.in.Lock()
	defer p.in.Unlock()
	if len(p.held) == 0 && p.sink != nil && p.sink(b, now) {
		return
	}
	if len(p.held) > 0 && p.sink != nil && isDTLS(b) && p.sink(b, now) {
		return // the handshake does not wait behind the media that waits for it
	}
	p.keep(b, now)
}

func (p *Path) keep(b []byte, now time.Time) {
	if len(p.held) >= maxHeld {
		p.edge.stats.mediaEarly.Add(1)
		return
	}
	p.held = append(p.held, held{append(newBuffer(), b...), now})
}

// release delivers what was kept. The caller holds p.in.
func (p *Path) release() {
	for len(p.held) > 0 && p.sink != nil && p.sink(p.held[0].packet, p.held[0].arrived) {
		recycle(p.held[0].packet)
		p.held[0] = held{}
		p.held = p.held[1:]
	}
	if len(p.held) == 0 {
		p.held = nil
	}
}

// input takes a STUN message.
func (p *Path) input(now time.Time, at path.Pair, raw []byte) {
	c := &p.edge.stats
	switch err := p.use(now, func(now time.Time) error { return p.engine.Input(now, at, raw) }); {
	case err == nil:
		if l := p.owner.Load(); l != nil {
			l.heard.Store(p.edge.instant(now))
		}
	case errors.Is(err, path.ErrMalformed):
		c.stunMalformed.Add(1)
	case errors.Is(err, path.ErrForged), errors.Is(err, path.ErrUsername):
		c.stunForged.Add(1)
	case errors.Is(err, path.ErrLimited):
		c.stunLimited.Add(1)
	default:
		c.stunIgnored.Add(1)
	}
}

// tellTime is how often the engine is told that packets come over the pair that it chose. Of others it is told at once.
const tellTime = 100 * time.Millisecond

// tick does what is due.
func (p *Path) tick(now time.Time) {
	if p.edge.instant(now) < p.due.Load() || p.idle(now) {
		return
	}
	p.use(now, func(now time.Time) error {
		for _, s := range p.sources {
			if at := s.heard.Load(); at != s.told {
				s.told = at
				p.engine.Heard(p.edge.timeOf(at), s.pair)
			}
		}
		p.engine.Tick(now)
		return nil
	})
}

// idle reports whether the engine has nothing to do and nothing to be told, and looks again later.
func (p *Path) idle(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.next.IsZero() && !now.Before(p.next) {
		return false
	}
	for _, s := range p.sources {
		if s.heard.Load() != s.told {
			return false
		}
	}
	p.rest(now)
	return true
}

// rest lets the ticker leave the path alone while nothing is due.
func (p *Path) rest(now time.Time) {
	due := now.Add(tellTime)
	if !p.next.IsZero() && p.next.Before(due) {
		due = p.next
	}
	p.due.Store(p.edge.instant(due))
}

// use calls f with the engine and does what it then wants.
func (p *Path) use(now time.Time, f func(now time.Time) error) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return path.ErrSilent
	}
	err := f(now)
	datagrams, events := p.engine.Take()
	var heard, valid, lost bool
	for _, ev := range events {
		switch ev.Kind {
		case path.Opened:
			p.open(ev.Pair)
			heard = true
		case path.Dropped:
			p.drop(ev.Pair)
		case path.Valid:
			valid = true
		case path.Lost:
			lost = true
		}
	}
	for _, d := range datagrams {
		p.edge.out.queueTo(p.routeTo(d.Pair), append(newBuffer(), d.Data...))
	}
	var to *route
	if at, ok := p.engine.Route(now); ok {
		to = p.routeTo(at)
	}
	if to != p.route.Load() {
		p.route.Store(to)
	}
	p.next = p.engine.Next()
	p.rest(now)
	p.mu.Unlock()

	if l := p.owner.Load(); l != nil {
		if valid {
			l.proceed(now)
		}
		if lost {
			l.fail(errConsent)
		}
	} else if f := p.notify.Load(); f != nil {
		for _, e := range []struct {
			so   bool
			what PathEvent
		}{{heard, PathHeard}, {valid, PathValid}, {lost, PathLost}} {
			if e.so {
				(*f)(e.what)
			}
		}
	}
	return err
}

func (p *Path) open(at path.Pair) {
	s := &source{path: p, pair: at, route: p.edge.sock.newRoute(at)}
	p.sources = append(p.sources, s)
	p.edge.mu.Lock()
	p.edge.table[at] = s
	p.edge.mu.Unlock()
}

func (p *Path) drop(at path.Pair) {
	p.sources = slices.DeleteFunc(p.sources, func(s *source) bool { return s.pair == at })
	p.edge.mu.Lock()
	if s := p.edge.table[at]; s != nil && s.path == p {
		delete(p.edge.table, at)
	}
	p.edge.mu.Unlock()
}

func (p *Path) routeTo(at path.Pair) *route {
	for _, s := range p.sources {
		if s.pair == at {
			return s.route
		}
	}
	return p.edge.sock.newRoute(at) // of a datagram to a pair that was dropped in the same call
}

// warm fetches what sending over the path needs.
func (p *Path) warm() {
	prefetch.Lines(unsafe.Pointer(&p.pending), 1)
	if r := p.route.Load(); r != nil {
		prefetch.Lines(unsafe.Pointer(r), int(unsafe.Sizeof(*r)+63)/64)
	}
}

// sendRecord sends a DTLS record: over the route, or to where the client's came from while there is none.
func (p *Path) sendRecord(b []byte) {
	to := p.route.Load()
	if to == nil {
		to = p.fallback.Load()
	}
	if to == nil {
		p.edge.stats.sendFailed.Add(1)
		return
	}
	p.edge.out.queueTo(to, append(newBuffer(), b...))
}

func isDTLS(b []byte) bool { return len(b) > 0 && b[0] >= 20 && b[0] < 64 }
