package edge

import "sync"

// flushAt bounds what waits for the end of a batch.
const flushAt = 512

// egress gathers packets and sends them together. Whoever works on a batch holds it; while anybody does, packets wait,
// otherwise they leave at once.
type egress struct {
	sock  *socket
	stats *counters

	mu      sync.Mutex
	holders int
	waiting int
	dirty   []*Path // with packets waiting
	strays  []stray
}

// stray is a datagram with a destination of its own: STUN, and DTLS before a path has a route.
type stray struct {
	to   *route
	data []byte
}

func (g *egress) hold() {
	g.mu.Lock()
	g.holders++
	g.mu.Unlock()
}

func (g *egress) release() {
	g.mu.Lock()
	g.holders--
	g.flush()
	g.mu.Unlock()
}

// queue sends a packet over the route of its path and takes the buffer over.
func (g *egress) queue(p *Path, b []byte) {
	g.mu.Lock()
	if len(p.pending) == 0 {
		g.dirty = append(g.dirty, p)
	}
	p.pending = append(p.pending, b)
	g.queued()
	g.mu.Unlock()
}

// queueTo sends a datagram over a route and takes the buffer over.
func (g *egress) queueTo(to *route, b []byte) {
	g.mu.Lock()
	g.strays = append(g.strays, stray{to, b})
	g.queued()
	g.mu.Unlock()
}

func (g *egress) queued() {
	g.waiting++
	if g.holders == 0 || g.waiting >= flushAt {
		g.flush()
	}
}

// flush sends all that waits. The packets of a path stay together and in order.
func (g *egress) flush() {
	if g.waiting == 0 {
		return
	}
	var failed, packets, octets, lost uint64 // lost had no route
	for i, s := range g.strays {
		failed += g.push(s.to, s.data)
		packets++
		octets += uint64(len(s.data))
		g.strays[i].to = nil
	}
	for _, p := range g.dirty {
		to := p.route.Load()
		for _, b := range p.pending {
			if to == nil {
				lost++
				continue
			}
			failed += g.push(to, b)
			packets++
			octets += uint64(len(b))
		}
	}
	failed += uint64(g.sock.send())
	for i, s := range g.strays {
		recycle(s.data)
		g.strays[i] = stray{}
	}
	for i, p := range g.dirty {
		for j, b := range p.pending {
			recycle(b)
			p.pending[j] = nil
		}
		p.pending = p.pending[:0]
		g.dirty[i] = nil
	}
	g.strays, g.dirty, g.waiting = g.strays[:0], g.dirty[:0], 0
	g.stats.sent.Add(packets - min(packets, failed))
	g.stats.sentBytes.Add(octets)
	g.stats.sendFailed.Add(failed + lost)
}

// push hands a packet to the socket, which sends when it has enough.
func (g *egress) push(to *route, b []byte) (failed uint64) {
	if g.sock.full() {
		failed = uint64(g.sock.send())
	}
	g.sock.push(to, b)
	return failed
}
