package edge

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	// flushAt bounds what waits in a shard for the end of a batch.
	flushAt = 1024
	// worthWaking is how many packets a batch must have for other processors to be woken for their part of it.
	worthWaking = 256
)

// egress gathers packets and sends them together. Whoever works on a batch holds it; while anybody does, packets wait,
// otherwise they leave at once.
type egress struct {
	shards  []*shard
	holders atomic.Int32
	hasty   atomic.Bool   // a stray waits
	next    atomic.Uint32 // shard of the next path
	stats   *counters
	work    sync.WaitGroup
}

// shard sends for some of the paths, one processor's worth. Whoever has its packets seals and sends them, one at a time: the
// one who ends a batch, or the shard's own goroutine when the batch is a large one.
type shard struct {
	egress  *egress
	waiting atomic.Int32

	mu     sync.Mutex
	dirty  []*Path      // with packets waiting
	strays []stray      // likewise
	free   [][]outgoing // lists that paths gave back
	wake   chan struct{}

	sending sync.Mutex // guards what follows
	tx      *sender
	runs    []run
	lone    []stray
	nonce   nonce
}

// outgoing is a packet on its way out.
type outgoing struct {
	packet []byte
	gcm    *gcm // seals it with the index; nil: it is sealed
	index  uint64
}

// run is what a path has to send.
type run struct {
	path    *Path
	packets []outgoing
}

// stray is a datagram with a destination of its own: STUN, and DTLS before a path has a route.
type stray struct {
	to   *route
	data []byte
}

// start makes a shard for every processor.
func (g *egress) start(sock *socket) {
	for i := range runtime.GOMAXPROCS(0) {
		s := &shard{egress: g, tx: sock.newSender(), wake: make(chan struct{}, 1)}
		g.shards = append(g.shards, s)
		if i > 0 { // the first one's part stays with who ends the batch
			g.work.Go(s.serve)
		}
	}
}

// close sends what waits and ends the goroutines. Nothing may be queued from then on.
func (g *egress) close() {
	for _, s := range g.shards {
		close(s.wake)
	}
	g.work.Wait()
	for _, s := range g.shards {
		s.drain()
		s.sending.Lock()
		s.tx.close()
		s.sending.Unlock()
	}
}

// shard returns the shard of a new path.
func (g *egress) shard() *shard { return g.shards[g.next.Add(1)%uint32(len(g.shards))] }

func (g *egress) hold() { g.holders.Add(1) }

// release sends all that waits.
func (g *egress) release() {
	g.holders.Add(-1)
	g.flush()
}

func (g *egress) flush() {
	g.hasty.Store(false)
	total := int32(0)
	for _, s := range g.shards {
		total += s.waiting.Load()
	}
	if total == 0 {
		return
	}
	if total >= worthWaking {
		for _, s := range g.shards[1:] {
			if s.waiting.Load() > 0 {
				s.rouse()
			}
		}
		g.shards[0].flush()
		return
	}
	for _, s := range g.shards {
		if s.waiting.Load() > 0 {
			s.flush()
		}
	}
}

// urgent reports whether something waits that answers to the client's clock: what ICE measures.
func (g *egress) urgent() bool { return g.hasty.Load() }

// queue sends packets over the route of their path and takes the buffers over.
func (g *egress) queue(p *Path, packets ...outgoing) {
	s := p.shard
	s.mu.Lock()
	if len(p.pending) == 0 {
		s.dirty = append(s.dirty, p)
		if n := len(s.free); p.pending == nil && n > 0 {
			p.pending, s.free = s.free[n-1], s.free[:n-1]
		}
	}
	p.pending = append(p.pending, packets...)
	s.queued(len(packets))
}

// queueTo sends a datagram over a route and takes the buffer over.
func (g *egress) queueTo(to *route, b []byte) {
	s := g.shards[0]
	s.mu.Lock()
	s.strays = append(s.strays, stray{to, b})
	g.hasty.Store(true)
	s.queued(1)
}

// queued ends what began with the lock.
func (s *shard) queued(packets int) {
	n := s.waiting.Add(int32(packets))
	s.mu.Unlock()
	switch {
	case n >= flushAt:
		s.drain() // also when another is at it: who queues faster than that must wait
	case s.egress.holders.Load() == 0:
		s.flush()
	}
}

// rouse lets the shard's own goroutine send.
func (s *shard) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *shard) serve() {
	for range s.wake {
		s.flush()
	}
}

// flush sends all that waits, or leaves it to who is sending just now. The packets of a path stay together and in order.
func (s *shard) flush() {
	for s.waiting.Load() > 0 && s.sending.TryLock() {
		for s.take() {
			s.send()
		}
		s.sending.Unlock()
	}
}

// drain sends all that waits and returns when it is sent.
func (s *shard) drain() {
	s.sending.Lock()
	for s.take() {
		s.send()
	}
	s.sending.Unlock()
	s.flush() // of who left it to us
}

// take makes what waits what is to be sent, and reports whether there is anything. The lists of the last time go back.
func (s *shard) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.runs {
		s.free = append(s.free, s.runs[i].packets[:0])
		s.runs[i] = run{}
	}
	s.runs = s.runs[:0]
	s.strays, s.lone = s.lone[:0], s.strays
	for i, p := range s.dirty {
		s.runs = append(s.runs, run{p, p.pending})
		p.pending = nil
		s.dirty[i] = nil
	}
	s.dirty = s.dirty[:0]
	s.waiting.Store(0)
	return len(s.runs)+len(s.lone) > 0
}

// send seals and sends what was taken.
func (s *shard) send() {
	var failed, packets, octets, lost uint64 // lost had no route
	for _, o := range s.lone {
		failed += s.push(o.to, o.data)
		packets++
		octets += uint64(len(o.data))
	}
	for _, r := range s.runs {
		to := r.path.route.Load()
		if to == nil {
			lost += uint64(len(r.packets))
			continue
		}
		if s.tx.cuts() {
			level(r.packets)
		}
		for i := range r.packets {
			o := &r.packets[i]
			if o.gcm != nil {
				o.packet = o.gcm.seal(&s.nonce, o.packet, o.index)
			}
			failed += s.push(to, o.packet)
			packets++
			octets += uint64(len(o.packet))
		}
	}
	failed += uint64(s.tx.send())
	for i := range s.lone {
		recycle(s.lone[i].data)
		s.lone[i] = stray{}
	}
	for _, r := range s.runs {
		for i := range r.packets {
			recycle(r.packets[i].packet)
			r.packets[i] = outgoing{}
		}
	}
	c := s.egress.stats
	c.sent.Add(packets - min(packets, failed))
	c.sentBytes.Add(octets)
	c.sendFailed.Add(failed + lost)
}

// push hands a packet to the socket, which sends when it has enough.
func (s *shard) push(to *route, b []byte) (failed uint64) {
	if s.tx.full() {
		failed = uint64(s.tx.send())
	}
	s.tx.push(to, b)
	return failed
}
