package route

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// node returns the name of the i-th node.
func node(i int) identity.Name {
	return identity.Name(strings.Repeat(string(rune('a'+i)), 10))
}

func source(i int) room.SourceName { return room.SourceName(fmt.Sprintf("0000000%x-v0", i)) }

const (
	step  = 20 * time.Millisecond
	fresh = 100 * time.Millisecond // media that came within is coming
)

type pair [2]int // lower first

func between(i, j int) pair { return pair{min(i, j), max(i, j)} }

// cable is what is between two nodes.
type cable struct {
	delay      time.Duration
	cut        bool // nothing passes; connections stay
	connection int  // counts the connections; odd: there is one
}

// packet is a frame on its way, or held while the cable is cut.
type packet struct {
	from, to, connection int
	at                   time.Time
	frame                wire.Frame
}

// site is one node of a mesh.
type site struct {
	table   *Table
	pulls   *Pulls
	serving *Serving
	local   map[room.SourceName]int // what its own clients want
	relay   map[identity.Name]map[room.SourceName]Pull
	seen    map[int]view // by node
	heard   map[room.SourceName]map[int]time.Time
	numbers uint32
}

// view is what a node knows of its link to another, and since when it would know better.
type view struct {
	connection int
	alive      bool
	stale      time.Time
}

// mesh is a handful of nodes in one room, joined by the engines of this package and by cables.
type mesh struct {
	now     time.Time
	sites   []*site
	cables  map[pair]*cable
	packets []packet
	origin  map[room.SourceName]int
	muted   map[room.SourceName]bool
	late    func() time.Duration // how long a node takes to see a change of a cable
	faults  []string
	used    map[[2]uint32]bool
}

func newMesh(nodes, sources int, late func() time.Duration) *mesh {
	m := &mesh{
		now: start, cables: make(map[pair]*cable), origin: make(map[room.SourceName]int),
		muted: make(map[room.SourceName]bool), late: late, used: make(map[[2]uint32]bool),
	}
	for i := range nodes {
		s := &site{
			table: NewTable(node(i)), serving: NewServing(node(i), "r"), local: make(map[room.SourceName]int),
			relay: make(map[identity.Name]map[room.SourceName]Pull), seen: make(map[int]view),
			heard: make(map[room.SourceName]map[int]time.Time),
		}
		s.pulls = NewPulls(node(i), "r", func() uint32 { s.numbers++; return s.numbers })
		m.sites = append(m.sites, s)
		for j := range i {
			m.cables[pair{j, i}] = &cable{delay: time.Duration(20+10*i+15*j) * time.Millisecond, connection: 1}
		}
	}
	for i := range sources {
		m.origin[source(i)] = i % nodes
	}
	return m
}

func (m *mesh) fault(format string, args ...any) {
	m.faults = append(m.faults, m.now.Sub(start).String()+": "+fmt.Sprintf(format, args...))
}

func index(n identity.Name) int { return int(n[0] - 'a') }

func (m *mesh) cable(i, j int) *cable { return m.cables[between(i, j)] }

// whole reports whether media passes between two nodes.
func (m *mesh) whole(i, j int) bool {
	if i == j {
		return false
	}
	c := m.cable(i, j)
	return !c.cut && c.connection%2 == 1
}

// kill ends the connection between two nodes and what is on its way; mend makes a new one.
func (m *mesh) kill(i, j int) {
	if c := m.cable(i, j); c.connection%2 == 1 {
		c.connection++
		c.cut = true
	}
}

func (m *mesh) mend(i, j int) {
	c := m.cable(i, j)
	c.cut = false
	c.connection += (c.connection + 1) % 2
}

// run lets time pass.
func (m *mesh) run(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); {
		m.now = m.now.Add(step)
		m.watch()
		m.deliver()
		m.media()
		for i, s := range m.sites {
			if next := s.pulls.Next(); !next.IsZero() && !next.After(m.now) {
				m.send(i, s.pulls.Tick(m.now))
				if next := s.pulls.Next(); !next.IsZero() && !next.After(m.now) {
					m.fault("node %d ticks and is not done", i)
				}
			}
			if next := s.table.Next(); !next.IsZero() && !next.After(m.now) {
				state, to, due := s.table.Announce(m.now)
				for _, n := range to {
					m.send(i, []Send{{n, state}})
				}
				if next := s.table.Next(); !due && !next.IsZero() && !next.After(m.now) {
					m.fault("node %d has nothing to announce and is not done", i)
				}
				m.reroute(i)
			}
			m.want(i)
		}
	}
}

// watch lets nodes see what became of their links, some time later.
func (m *mesh) watch() {
	for i, s := range m.sites {
		for j := range m.sites {
			if i == j {
				continue
			}
			c, v := m.cable(i, j), s.seen[j]
			if v.connection == c.connection && v.alive == !c.cut {
				v.stale = time.Time{}
			} else if v.stale.IsZero() {
				v.stale = m.now.Add(m.late())
			}
			s.seen[j] = v
			if !v.stale.IsZero() && !m.now.Before(v.stale) {
				m.see(i, j)
			}
		}
	}
}

func (m *mesh) see(i, j int) {
	s, c := m.sites[i], m.cable(i, j)
	was := s.seen[j]
	s.seen[j] = view{connection: c.connection, alive: !c.cut}
	if was.connection%2 == 1 && was.connection != c.connection {
		s.table.Set(m.now, node(j), Link{})
		m.send(i, s.pulls.PeerGone(m.now, node(j)))
		m.pulled(i, s.serving.PeerGone(node(j)))
	}
	s.table.Set(m.now, node(j), Link{RTT: 2 * c.delay, Up: m.whole(i, j)})
	m.reroute(i)
}

func (m *mesh) reroute(i int) {
	s := m.sites[i]
	m.send(i, s.pulls.Reroute(m.now, func(origin identity.Name) (identity.Name, bool) {
		return s.table.Via(m.now, origin, func(identity.Name) bool { return true })
	}))
	sends, pulls := s.serving.Recheck(s.pulls.Relayed)
	m.send(i, sends)
	m.pulled(i, pulls)
	m.want(i)
}

func (m *mesh) send(i int, sends []Send) {
	for _, e := range sends {
		j := index(e.To)
		if f, ok := e.Frame.(wire.Subscribe); ok {
			if m.used[[2]uint32{uint32(i), f.Sub}] {
				m.fault("node %d uses number %d again", i, f.Sub)
			}
			m.used[[2]uint32{uint32(i), f.Sub}] = true
			if n := len(slices.Compact(slices.Sorted(slices.Values(f.Path)))); n != len(f.Path) || n > 3 {
				m.fault("path %q", f.Path)
			}
		}
		if connection := m.sites[i].seen[j].connection; connection%2 == 1 {
			m.packets = append(m.packets, packet{i, j, connection, m.now.Add(m.cable(i, j).delay), e.Frame})
		}
	}
}

func (m *mesh) deliver() {
	packets := m.packets
	m.packets = nil
	var held []packet
	waits := make(map[[2]int]bool) // frames keep their order
	for _, p := range packets {
		c := m.cable(p.from, p.to)
		switch way := [2]int{p.from, p.to}; {
		case p.connection != c.connection: // lost with its connection
		case c.cut || waits[way] || p.at.After(m.now):
			waits[way] = true
			held = append(held, p)
		default:
			if m.sites[p.to].seen[p.from].connection != p.connection {
				m.see(p.to, p.from) // a frame of a connection comes after the word of it
			}
			m.take(p.to, p.from, p.frame)
		}
	}
	m.packets = append(held, m.packets...)
}

func (m *mesh) take(i, from int, f wire.Frame) {
	s, n := m.sites[i], node(from)
	var err error
	switch f := f.(type) {
	case wire.LinkState:
		err = s.table.Learn(m.now, n, f)
		m.reroute(i)
	case wire.Subscribe:
		var answer wire.Subscribed
		var pulls []Pull
		answer, pulls, err = s.serving.Subscribe(n, f, func(source room.SourceName) (identity.Name, bool) {
			at, ok := m.origin[source]
			return node(at), ok
		}, s.table.Up)
		m.send(i, []Send{{n, answer}})
		m.pulled(i, pulls)
	case wire.Update:
		m.pulled(i, s.serving.Update(n, f))
	case wire.Unsubscribe:
		m.pulled(i, s.serving.Unsubscribe(n, f))
	case wire.Subscribed:
		var sends []Send
		sends, err = s.pulls.Answer(m.now, n, f)
		m.send(i, sends)
	}
	if err != nil {
		m.fault("node %d from %d: %v", i, from, err)
	}
	m.want(i)
}

// pulled keeps what the forwarding part of a node would be told.
func (m *mesh) pulled(i int, pulls []Pull) {
	s := m.sites[i]
	for _, p := range pulls {
		if s.relay[p.Node] == nil {
			s.relay[p.Node] = make(map[room.SourceName]Pull)
		}
		if p.Height == 0 {
			delete(s.relay[p.Node], p.Source)
		} else {
			s.relay[p.Node][p.Source] = p
		}
	}
	m.want(i)
}

// wanted is how high a node is to pull a source.
func (m *mesh) wanted(i int, source room.SourceName) int {
	height := m.sites[i].local[source]
	for _, sources := range m.sites[i].relay {
		height = max(height, sources[source].Height)
	}
	return height
}

func (m *mesh) want(i int) {
	s := m.sites[i]
	for _, source := range m.sources() {
		at, ok := m.origin[source]
		if !ok {
			m.send(i, s.pulls.Forget(source))
			continue
		}
		m.send(i, s.pulls.Want(m.now, source, node(at), m.wanted(i, source)))
	}
}

// sources returns all sources, those that have ended too.
func (m *mesh) sources() []room.SourceName {
	all := maps.Clone(m.origin)
	for source := range m.muted {
		all[source] = 0
	}
	return slices.Sorted(maps.Keys(all))
}

// has reports whether packets of a source are at a node.
func (m *mesh) has(i int, source room.SourceName) bool {
	if at, ok := m.origin[source]; ok && at == i {
		return !m.muted[source]
	}
	for _, at := range m.sites[i].heard[source] {
		if m.now.Sub(at) < fresh {
			return true
		}
	}
	return false
}

// media carries one packet of everything that is pulled.
func (m *mesh) media() {
	type hop struct {
		from, to int
		Pull
	}
	var hops []hop
	for i, s := range m.sites {
		for _, n := range slices.Sorted(maps.Keys(s.relay)) {
			for _, source := range slices.Sorted(maps.Keys(s.relay[n])) {
				if m.whole(i, index(n)) && m.has(i, source) {
					hops = append(hops, hop{i, index(n), s.relay[n][source]})
				}
			}
		}
	}
	for _, h := range hops {
		s := m.sites[h.to]
		if source, ok := s.pulls.Source(node(h.from), h.Sub); ok {
			if source != h.Source {
				m.fault("node %d takes %s for %s", h.to, h.Source, source)
			}
			if s.heard[source] == nil {
				s.heard[source] = make(map[int]time.Time)
			}
			s.heard[source][h.from] = m.now
			m.send(h.to, s.pulls.Arrived(h.Sub))
		}
	}
}

// settled returns what is wrong with a mesh in which nothing has changed for long enough.
func (m *mesh) settled() []string {
	for i, s := range m.sites {
		upstreams := make(map[room.SourceName]Upstream)
		for _, u := range s.pulls.Upstreams() {
			upstreams[u.Source] = u
		}
		for _, source := range m.sources() {
			var senders []int
			for j, other := range m.sites {
				if other.relay[node(i)][source].Height > 0 && m.whole(j, i) { // over a cut cable the end has not come yet
					senders = append(senders, j)
				}
			}
			u, pulled := upstreams[source]
			at, known := m.origin[source]
			height := m.wanted(i, source)
			switch {
			case !known || at == i || height == 0:
				if pulled || len(senders) > 0 {
					m.fault("node %d pulls %s, which it does not want: %v, sent by %v", i, source, u, senders)
				}
				continue
			case !m.way(at, i):
				continue
			case !pulled:
				m.fault("node %d does not pull %s", i, source)
				continue
			}
			if u.Height != height {
				m.fault("node %d pulls %s with height %d, wants %d", i, source, u.Height, height)
			}
			if u.Path[0] != node(at) || u.Path[len(u.Path)-1] != node(i) || m.whole(at, i) != (len(u.Path) == 2) {
				m.fault("node %d pulls %s by %q", i, source, u.Path)
			}
			for k := range u.Path[1:] {
				if !m.whole(index(u.Path[k]), index(u.Path[k+1])) {
					m.fault("node %d pulls %s by the dead path %q", i, source, u.Path)
				}
			}
			from := index(u.Path[len(u.Path)-2])
			if !slices.Equal(senders, []int{from}) {
				m.fault("node %d pulls %s by %q; it is sent by %v", i, source, u.Path, senders)
			} else if p := m.sites[from].relay[node(i)][source]; p.Height != height || p != m.sites[from].serving.pull(node(i), source) {
				m.fault("node %d pulls %s and gets %+v", i, source, p)
			}
			if !m.muted[source] && !m.has(i, source) {
				m.fault("nothing of %s comes to node %d by %q", source, i, u.Path)
			}
		}
	}
	return m.faults
}

// way reports whether two nodes can reach each other, directly or over one other.
func (m *mesh) way(i, j int) bool {
	if m.whole(i, j) {
		return true
	}
	for r := range m.sites {
		if r != i && r != j && m.whole(i, r) && m.whole(r, j) {
			return true
		}
	}
	return false
}
