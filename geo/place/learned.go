package place

import (
	"container/list"
	"net/netip"
	"slices"
	"time"
)

const (
	// mostTrips is how many nodes are remembered of one prefix: a page measures three.
	mostTrips = 8
	// remembered is how long a round trip counts.
	remembered = 24 * time.Hour
	// longestTrip is the longest that is believed.
	longestTrip = 5 * time.Second
	// A new round trip counts this much against what was known, so that one page that was busy, or lied, does not move everybody.
	weight = 4
)

// Learned are round trips between nodes and the neighbourhoods of clients, as pages measured them: networks of 24 bits in IPv4 and of 48 in
// IPv6. It holds a limited number of networks; the one that was measured longest ago makes room.
type Learned struct {
	limit int
	order *list.List // of *neighbours, the one measured last in front
	by    map[netip.Prefix]*list.Element
}

// neighbours is one network.
type neighbours struct {
	prefix netip.Prefix
	trips  []trip // the one measured last at the end
}

type trip struct {
	node string
	rtt  time.Duration
	at   time.Time
}

// NewLearned returns an empty memory for at most limit networks, of about half a kilobyte each.
func NewLearned(limit int) *Learned {
	return &Learned{limit: limit, order: list.New(), by: make(map[netip.Prefix]*list.Element)}
}

// Neighbourhood returns the network around an address whose round trips are taken for alike. It is not valid when the address is not.
func Neighbourhood(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	p, _ := addr.Prefix(bits)
	return p
}

// Observe takes a round trip between an address and a node. What cannot be is ignored.
func (l *Learned) Observe(now time.Time, addr netip.Addr, node string, rtt time.Duration) {
	prefix := Neighbourhood(addr)
	if !prefix.IsValid() || rtt <= 0 || rtt > longestTrip || l.limit < 1 {
		return
	}
	at, known := l.by[prefix]
	if !known {
		if l.order.Len() >= l.limit {
			oldest := l.order.Back()
			delete(l.by, oldest.Value.(*neighbours).prefix) //nolint:forcetypeassert // the list holds nothing else
			l.order.Remove(oldest)
		}
		at = l.order.PushFront(&neighbours{prefix: prefix})
		l.by[prefix] = at
	}
	l.order.MoveToFront(at)
	at.Value.(*neighbours).observe(now, node, rtt) //nolint:forcetypeassert // the list holds nothing else
}

func (n *neighbours) observe(now time.Time, node string, rtt time.Duration) {
	if i := slices.IndexFunc(n.trips, func(t trip) bool { return t.node == node }); i >= 0 {
		if before := n.trips[i]; now.Sub(before.at) < remembered {
			rtt = before.rtt + (rtt-before.rtt)/weight
		}
		n.trips = slices.Delete(n.trips, i, i+1)
	}
	if len(n.trips) == mostTrips {
		n.trips = slices.Delete(n.trips, 0, 1)
	}
	n.trips = append(n.trips, trip{node, rtt, now})
}

// Trips returns what is known of the neighbourhood of an address, by the names of nodes.
func (l *Learned) Trips(now time.Time, addr netip.Addr) []Trip {
	at, known := l.by[Neighbourhood(addr)]
	if !known {
		return nil
	}
	var all []Trip
	for _, t := range at.Value.(*neighbours).trips { //nolint:forcetypeassert // the list holds nothing else
		if now.Sub(t.at) < remembered {
			all = append(all, Trip{t.node, t.rtt})
		}
	}
	slices.SortFunc(all, func(a, b Trip) int {
		if a.Node < b.Node {
			return -1
		}
		return 1
	})
	return all
}

// Len returns how many networks are remembered.
func (l *Learned) Len() int { return l.order.Len() }
