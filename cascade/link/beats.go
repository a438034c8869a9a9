package link

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link/liveness"
)

// beats sends and takes heartbeats. One goroutine sends those to all peers.
type beats struct {
	e        *Endpoint
	clock    liveness.Clock
	label    [10]byte
	opener   *liveness.Sealer // of the socket's goroutine
	opened   liveness.Beat    // the same
	sealer   *liveness.Sealer // of run
	wake     chan struct{}
	rejected atomic.Uint64
	strange  atomic.Uint64

	mu  sync.Mutex
	all []*watched // by name
	by  map[identity.Name]*watched
	due time.Time // when run wakes
}

// watched is a peer and what is known of it.
type watched struct {
	p     *peer
	watch *liveness.Watch
	media int64 // the last that was counted, see peer.heard
	told  told
}

// told is what the peer was told of its heartbeats.
type told struct {
	link    bool
	path    netip.AddrPort
	started uint64
}

func (w *watched) news() told {
	t := told{link: w.watch.LinkWanted(), started: w.watch.Started()}
	if w.watch.Hearing() {
		t.path = w.watch.Path()
	}
	return t
}

func newBeats(e *Endpoint) *beats {
	key := identity.HeartbeatKey(e.cfg.Secret)
	return &beats{
		e: e, clock: liveness.NewClock(e.began), label: liveness.Label(e.self),
		opener: liveness.NewSealer(key), sealer: liveness.NewSealer(key), wake: make(chan struct{}, 1),
	}
}

// set takes the peers, by name.
func (b *beats) set(now time.Time, peers []*peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.by
	b.all = make([]*watched, 0, len(peers))
	b.by = make(map[identity.Name]*watched, len(peers))
	for _, p := range peers {
		w := before[p.name]
		if w == nil || w.p != p {
			w = &watched{p: p, watch: liveness.NewWatch(now, b.clock, b.e.self, p.name, b.e.cfg.Hello.Started)}
		}
		p.mu.Lock()
		w.watch.Want(now, p.want.Media, p.want.Link, p.want.Addrs)
		p.mu.Unlock()
		b.all = append(b.all, w)
		b.by[p.name] = w
	}
	b.poke()
}

func (b *beats) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// receive takes a datagram that is not QUIC. The socket's goroutine calls it.
func (b *beats) receive(from netip.AddrPort, datagram []byte) {
	if err := b.opener.Open(datagram, b.label, &b.opened); err != nil {
		b.rejected.Add(1)
		return
	}
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.by[identity.Name(b.opened.From[:])]
	if w == nil {
		b.strange.Add(1)
		return
	}
	w.watch.Receive(now, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), &b.opened)
	if w.watch.Changed() || w.news() != w.told || w.watch.Next().Before(b.due) {
		b.poke()
	}
}

// letter is a heartbeat to be sent.
type letter struct {
	beat liveness.Beat
	to   []netip.AddrPort
}

// turn is a change that a peer is to be told.
type turn struct {
	p       *peer
	state   State
	changed bool
	told    told
	before  told
}

// run sends heartbeats until the endpoint ends.
func (b *beats) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var letters []letter
	var turns []turn
	var datagram []byte
	for {
		select {
		case <-timer.C:
		case <-b.wake:
		case <-b.e.ctx.Done():
			return
		}
		now := time.Now()
		var next time.Time
		letters, turns, next = b.tick(now, letters[:0], turns[:0])
		for i := range letters {
			datagram = b.sealer.Append(datagram[:0], &letters[i].beat)
			for _, to := range letters[i].to {
				_ = b.e.socket.send(datagram, to) // as good as lost
			}
		}
		for _, t := range turns {
			b.tell(now, t)
		}
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
	}
}

// tick returns what is to be sent and told, and when to come back.
func (b *beats) tick(now time.Time, letters []letter, turns []turn) ([]letter, []turn, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var late time.Duration
	if !b.due.IsZero() {
		late = now.Sub(b.due)
	}
	var next time.Time
	for _, w := range b.all {
		if media := w.p.heard.Load(); media != w.media {
			w.media = media
			w.watch.Heard(b.e.began.Add(time.Duration(media)))
		}
		w.watch.Tick(now, late)
		state, changed := w.watch.State()
		if news := w.news(); changed || news != w.told {
			turns = append(turns, turn{w.p, state, changed, news, w.told})
			w.told = news
		}
		if w.watch.Due(now) {
			if len(letters) < cap(letters) {
				letters = letters[:len(letters)+1]
			} else {
				letters = append(letters, letter{})
			}
			l := &letters[len(letters)-1]
			l.beat = w.watch.Send(now)
			l.to = w.watch.Targets(l.to[:0])
		}
		if at := w.watch.Next(); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	b.due = next
	return letters, turns, next
}

func (b *beats) tell(now time.Time, t turn) {
	if t.p.ctx.Err() != nil {
		return
	}
	if t.told != t.before {
		t.p.hears(t.told.link, t.told.path)
	}
	if t.told.started != t.before.started {
		t.p.restarted(t.told.started)
	}
	if t.changed {
		t.p.turned(t.state == Alive, now)
		b.e.cfg.Handler.Liveness(t.p.name, t.state)
	}
}
