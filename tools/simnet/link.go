package simnet

import (
	"math"
	"math/rand/v2"
	"time"
)

// Link is how one direction between two sites behaves. The zero value is perfect.
type Link struct {
	Delay time.Duration
	// Jitter is the most that is added to Delay, evenly distributed. Packets stay in order unless Reorder is set.
	Jitter  time.Duration
	Reorder bool
	// Loss is the chance of a packet to be lost, 0 to 1.
	Loss float64
	// Rate is in bits per second, 0 for no limit. Queue is how many bytes may wait for their turn; 0 means 64 KiB.
	Rate  int64
	Queue int
	// MTU is the size of the largest datagram that passes, 0 for no limit.
	MTU int
}

const defaultQueue = 64 << 10

// Stats counts the packets of a direction. Sent is the sum of the others and of what is under way.
type Stats struct {
	Sent, Delivered uint64
	Lost            uint64 // by chance
	Queue           uint64 // the queue was full
	Cut             uint64
	TooLarge        uint64
	Filtered        uint64 // by a NAT at the end
	Unheard         uint64 // no socket, or its buffer was full
	Bytes           uint64 // delivered
}

// way is one direction.
type way struct {
	net      *Network
	from, to Site
	chance   *rand.Rand
	own      *Link
	cut      bool
	busy     time.Time // when the queue is empty
	last     time.Time // the latest arrival so far
	stats    Stats
}

// SetDefault sets the link of all directions that have none of their own.
func (n *Network) SetDefault(l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links = l
}

// SetLink sets how packets travel from one site to another, from now on.
func (n *Network) SetLink(from, to Site, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.way(from, to).own = &l
}

// Connect sets both directions between two sites.
func (n *Network) Connect(a, b Site, l Link) {
	n.SetLink(a, b, l)
	n.SetLink(b, a, l)
}

// Cut drops everything that is sent from one site to another from now on, until [Network.Mend].
func (n *Network) Cut(from, to Site) { n.setCut(from, to, true) }

// Mend ends a [Network.Cut].
func (n *Network) Mend(from, to Site) { n.setCut(from, to, false) }

func (n *Network) setCut(from, to Site, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.way(from, to).cut = cut
}

// Partition cuts both directions between every site of one side and every site of the other.
func (n *Network) Partition(one, other []Site) {
	for _, a := range one {
		for _, b := range other {
			n.Cut(a, b)
			n.Cut(b, a)
		}
	}
}

// Heal mends every direction of the network.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range n.ways {
		w.cut = false
	}
}

// Stats returns what happened so far to the packets from one site to another.
func (n *Network) Stats(from, to Site) Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.way(from, to).stats
}

func (w *way) link() Link {
	switch {
	case w.own != nil:
		return *w.own
	case w.from == w.to:
		return Link{}
	}
	return w.net.links
}

// send decides what becomes of a packet.
func (w *way) send(p *packet) {
	l, now, size := w.link(), time.Now(), p.size()
	lost, jitter := w.chance.Float64() < l.Loss, time.Duration(w.chance.Float64()*float64(l.Jitter))
	w.stats.Sent++
	switch {
	case w.cut:
		p.drop(&w.stats.Cut)
		return
	case l.MTU > 0 && size > l.MTU && p.segment == nil:
		p.drop(&w.stats.TooLarge)
		return
	case lost:
		p.drop(&w.stats.Lost)
		return
	}
	leaves := now
	if l.Rate > 0 {
		queue := l.Queue
		if queue == 0 {
			queue = defaultQueue
		}
		if w.busy.After(now) {
			leaves = w.busy
		}
		if waiting := int(math.Round(leaves.Sub(now).Seconds() * float64(l.Rate) / 8)); waiting+size > queue && p.segment == nil {
			p.drop(&w.stats.Queue)
			return
		}
		leaves = leaves.Add(time.Duration(int64(size) * 8 * int64(time.Second) / l.Rate))
		w.busy = leaves
	}
	arrives := leaves.Add(l.Delay + jitter)
	if !l.Reorder && arrives.Before(w.last) {
		arrives = w.last
	}
	if arrives.After(w.last) {
		w.last = arrives
	}
	w.net.at(arrives, func() { w.to.arrive(p, w) })
}

func (w *way) delivered(p *packet) {
	w.stats.Delivered++
	w.stats.Bytes += uint64(p.size())
}

// round returns how long a packet needs to the other site and back, without queues.
func (n *Network) round(from, to Site) time.Duration {
	return n.way(from, to).link().Delay + n.way(to, from).link().Delay
}
