package room

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// world is a few nodes that hold, or do not hold, one room, and the network between them. All of it follows from a seed.
//
// Between two nodes messages keep their order and are lost only with the way that they were on. A way is the link between
// the two, or two links over a third node. What nodes know of each other (who can be reached, who holds the room) is
// late.
type world struct {
	rand  *rand.Rand
	now   time.Duration
	nodes []*node
	queue events
	count int
	cut   map[[2]int]bool
	// since is from when on two nodes have had a way to each other without a break, -1 while they have none.
	since map[[2]int]time.Duration
	last  map[[2]int]time.Duration // when the last message of a direction arrives
	// polite: nodes answer a digest of a room that they do not hold with an End.
	polite bool
	// exact: all clocks agree, and everything happens at full tenths of a second, so that times are often the same.
	exact   bool
	flaw    flaw
	trouble []string

	commits map[Dot]Commit
	locks   map[Dot]*lock
	people  map[occupancy]*client
	ids     int
	hold    bool // nobody gives the room up
	stats   map[string]int
}

// node is one process, or the place where one was.
type node struct {
	world       *world
	index       int
	name        identity.Name
	skew        time.Duration
	alive       bool
	life        int
	released    bool // it left the room as it should
	incarnation uint64
	room        *Replica
	clients     map[EndpointID]*client
	reach       map[identity.Name]bool
	leases      map[identity.Name]time.Duration // when the directory last saw a lease
	copied      []State                         // the header in the node's lease
	trace       *trace
	moderator   Moderator
	todo        []func()
}

// client is somebody who really is there.
type client struct {
	id     EndpointID
	joined Time
	epoch  Epoch
	since  Context // the header when it joined
	said   int
	moved  bool
	twin   bool // another with its id joined at the same time elsewhere
	// rescued is when it came from a node that crashed.
	rescued time.Duration
}

type lock struct {
	dot   Dot
	key   string
	in    map[occupancy]bool // who was in at it and may stay
	first bool               // no other lock stood before it
}

type occupancy struct {
	id     EndpointID
	joined Time
}

type event struct {
	at    time.Duration
	order int
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(e[i].at, e[j].at), cmp.Compare(e[i].order, e[j].order)) < 0
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

var epoch = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func newWorld(seed uint64, f flaw) *world {
	w := &world{
		rand: rand.New(rand.NewPCG(seed, 4)), cut: map[[2]int]bool{}, since: map[[2]int]time.Duration{}, last: map[[2]int]time.Duration{},
		flaw: f, commits: map[Dot]Commit{}, locks: map[Dot]*lock{}, people: map[occupancy]*client{}, stats: map[string]int{},
	}
	w.polite = w.rand.IntN(3) > 0
	w.exact = w.rand.IntN(3) == 0
	for i := range 4 + w.rand.IntN(2) {
		n := &node{world: w, index: i, name: identity.Name(fmt.Sprintf("%c%c%c%c%c%c%c%c%c2", 'a'+i, 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'))}
		if !w.exact {
			n.skew = w.someSkew()
		}
		w.nodes = append(w.nodes, n)
		n.start()
	}
	w.ways()
	for _, n := range w.nodes {
		n.look()
		n.refresh()
	}
	return w
}

func (w *world) someSkew() time.Duration {
	return time.Duration(w.rand.Int64N(int64(58*time.Second))) - 29*time.Second
}

func (w *world) between(a, b time.Duration) time.Duration {
	d := a + time.Duration(w.rand.Int64N(int64(b-a)))
	if w.exact {
		return d.Round(100 * time.Millisecond)
	}
	return d
}

func (w *world) after(d time.Duration, do func()) {
	w.count++
	heap.Push(&w.queue, event{w.now + d, w.count, do})
}

func (w *world) fail(format string, args ...any) {
	if len(w.trouble) < 10 {
		w.trouble = append(w.trouble, fmt.Sprintf("%8.3fs: ", w.now.Seconds())+fmt.Sprintf(format, args...))
	}
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	end := w.now + d
	for len(w.trouble) == 0 {
		at := end
		var due *node
		for _, n := range w.nodes {
			if n.room == nil {
				continue
			}
			if next := n.room.Next(); !next.IsZero() {
				if t := max(next.Sub(epoch)-n.skew, w.now); t < at {
					at, due = t, n
				}
			}
		}
		if len(w.queue) > 0 && w.queue[0].at <= at {
			e := heap.Pop(&w.queue).(event)
			w.now = max(w.now, e.at)
			e.do()
			continue
		}
		if w.now = at; due == nil {
			return
		}
		before := due.room.Next()
		due.do(func() []Effect { return due.room.Tick(due.clock()) })
		if due.room != nil && due.room.Next().Equal(before) && !before.After(due.clock()) {
			w.fail("%s: a tick at %v leaves what was due", due.name, before)
		}
	}
}

func pair(i, j int) [2]int { return [2]int{min(i, j), max(i, j)} }

func (w *world) direct(i, j int) bool {
	return w.nodes[i].alive && w.nodes[j].alive && !w.cut[pair(i, j)]
}

// way returns the links from one node to another.
func (w *world) way(i, j int) (links [][2]int, ok bool) {
	if w.direct(i, j) {
		return [][2]int{pair(i, j)}, true
	}
	for k := range w.nodes {
		if k != i && k != j && w.direct(i, k) && w.direct(k, j) {
			return [][2]int{pair(i, k), pair(k, j)}, true
		}
	}
	return nil, false
}

// ways looks at the network after it changed: who has a way to whom now, and when they will know.
func (w *world) ways() {
	for i := range w.nodes {
		for j := range i {
			_, ok := w.way(i, j)
			since, had := w.since[pair(i, j)]
			had = had && since >= 0
			switch {
			case ok && !had:
				w.since[pair(i, j)] = w.now
			case !ok:
				w.since[pair(i, j)] = -1
			}
			if ok {
				a, b := w.nodes[i], w.nodes[j]
				w.after(w.between(10*time.Millisecond, 600*time.Millisecond), func() { a.linkUp(b.name) })
				w.after(w.between(10*time.Millisecond, 600*time.Millisecond), func() { b.linkUp(a.name) })
			}
		}
	}
	for _, n := range w.nodes {
		w.after(w.between(100*time.Millisecond, 2*time.Second), n.look)
	}
}

func (w *world) node(name identity.Name) *node {
	for _, n := range w.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// send puts a message on its way, if there is one.
func (w *world) send(from *node, to identity.Name, m Message) {
	n := w.node(to)
	if n == nil {
		return
	}
	links, ok := w.way(from.index, n.index)
	if !ok {
		return
	}
	d := [2]int{from.index, n.index}
	at := max(w.now+time.Duration(len(links))*w.between(time.Millisecond, 200*time.Millisecond), w.last[d])
	w.last[d] = at
	m = copied(m)
	fromLife, toLife := from.life, n.life
	w.after(at-w.now, func() {
		for _, l := range links {
			if !w.direct(l[0], l[1]) || w.flapped(l) > w.now {
				return
			}
		}
		if from.life == fromLife && n.life == toLife {
			n.receive(from.name, m)
		}
	})
}

// flapped returns until when messages that were on a link are lost.
func (w *world) flapped(l [2]int) time.Duration { return w.last[[2]int{-1 - l[0], -1 - l[1]}] }

// flap breaks a link for a moment.
func (w *world) flap(i, j int) {
	w.last[[2]int{-1 - min(i, j), -1 - max(i, j)}] = w.now + w.between(0, 300*time.Millisecond)
	w.after(300*time.Millisecond, w.ways)
}

func (n *node) clock() time.Time { return epoch.Add(n.world.now + n.skew) }

// start begins a life of a process.
func (n *node) start() {
	n.alive, n.clients, n.leases, n.reach = true, map[EndpointID]*client{}, map[identity.Name]time.Duration{}, nil
	n.life++
	if n.room, n.moderator = nil, (Moderator{}); !n.world.exact {
		n.incarnation = 0
	}
}

// crash ends one.
func (n *node) crash() {
	n.alive, n.room, n.clients, n.todo = false, nil, nil, nil
	n.life++
	n.world.ways()
}

// look learns who can be reached.
func (n *node) look() {
	n.reach = map[identity.Name]bool{}
	for _, o := range n.world.nodes {
		if _, ok := n.world.way(n.index, o.index); ok && o != n {
			n.reach[o.name] = true
		}
	}
	if n.room != nil {
		n.do(func() []Effect {
			return n.room.SetReachable(n.clock(), slices.Collect(maps.Keys(n.reach)))
		})
	}
}

// refresh learns from the directory who holds the room, again and again.
func (n *node) refresh() {
	w := n.world
	w.after(w.between(300*time.Millisecond, 1500*time.Millisecond), n.refresh)
	if !n.alive {
		return
	}
	for _, o := range w.nodes {
		_, ok := w.way(n.index, o.index)
		switch {
		case o == n:
		case ok && o.room != nil:
			n.leases[o.name] = w.now
		case ok && o.released || w.now-n.leases[o.name] > 30*time.Second:
			delete(n.leases, o.name)
		}
	}
	if n.room == nil {
		return
	}
	n.do(func() []Effect { return n.room.SetPeers(n.clock(), n.holders()) })
	n.copied = []State{n.room.Snapshot()}
}

// holders always has one that nobody reaches and that is told everything.
func (n *node) holders() []identity.Name { return append(slices.Sorted(maps.Keys(n.leases)), observer) }

const observer = "observer22"

func (n *node) linkUp(name identity.Name) {
	if n.room != nil {
		n.do(func() []Effect { return n.room.LinkUp(n.clock(), name) })
	}
}

func (n *node) receive(from identity.Name, m Message) {
	if n.room == nil {
		if _, ok := m.(Digest); ok && n.world.polite {
			n.world.send(n, from, End{})
		}
		return
	}
	n.do(func() []Effect {
		effects, err := n.room.Receive(n.clock(), from, m)
		if err != nil {
			n.world.fail("%s refuses %T of %s: %v", n.name, m, from, err)
		}
		return effects
	})
}

// enter begins to hold the room: a claim at the directory, which does not always answer in time, and then the header that it
// has or a new one.
func (n *node) enter() {
	w := n.world
	if n.incarnation++; !w.exact {
		n.incarnation = max(uint64(At(n.clock())), n.incarnation)
	}
	n.room = NewReplica(Config{Self: n.name, Room: "room", Incarnation: n.incarnation, flaw: w.flaw})
	n.trace, n.released = newTrace(n), false
	room := n.room
	var states []State
	if w.rand.IntN(8) > 0 {
		for _, o := range w.nodes {
			if _, ok := w.way(n.index, o.index); ok && o != n && o.room != nil && (states == nil || w.rand.IntN(2) == 0) {
				states = slices.Concat(states, o.copied)
				n.leases[o.name] = w.now
			}
		}
	}
	n.do(func() []Effect { return room.SetReachable(n.clock(), slices.Collect(maps.Keys(n.reach))) })
	n.do(func() []Effect { return room.SetPeers(n.clock(), n.holders()) })
	n.do(func() []Effect { return room.Adopt(n.clock(), states) })
	w.ids++
	meeting := fmt.Sprintf("meeting-%d", w.ids)
	n.do(func() []Effect { return room.Found(n.clock(), meeting) })
	n.copied = []State{room.Snapshot()}
}

// leaveLater gives the room up when nobody is in it here any more.
func (n *node) leaveLater() {
	if len(n.clients) > 0 || n.world.hold {
		return
	}
	room, life := n.room, n.life
	n.world.after(n.world.between(0, 3*time.Second), func() {
		if n.life == life && n.room == room && room != nil && len(n.clients)+len(room.own.occupants) == 0 && !n.world.hold {
			n.do(func() []Effect { return room.Leave(n.clock()) })
			n.room, n.released = nil, true
		}
	})
}

// do makes a call and carries out what follows.
func (n *node) do(call func() []Effect) {
	if n.room == nil {
		return
	}
	room := n.room
	effects := call()
	n.trace.follow(effects)
	for _, e := range effects {
		switch e := e.(type) {
		case Send:
			if c, ok := e.Message.(Commit); ok && e.To == observer {
				n.wrote(c)
			}
			n.world.send(n, e.To, e.Message)
		case Evict:
			n.later(room, func() { n.remove(e.Removal) })
		case Readmit:
			n.asked(e)
			n.later(room, func() { n.remove(Removal{Endpoint: e.Endpoint, Cause: Failed, Reason: "password"}) })
		}
	}
	if told := slices.ContainsFunc(effects, func(e Effect) bool { _, send := e.(Send); return !send }); told || n.world.rand.IntN(16) == 0 {
		n.trace.check()
	}
	for len(n.todo) > 0 {
		next := n.todo[0]
		n.todo = n.todo[1:]
		next()
	}
}

func (n *node) later(room *Replica, f func()) {
	n.todo = append(n.todo, func() {
		if n.room == room {
			f()
		}
	})
}

func (n *node) remove(why Removal) {
	delete(n.clients, why.Endpoint)
	n.do(func() []Effect { return n.room.Remove(n.clock(), why) })
	n.leaveLater()
}

// copied returns what arrives of a message: nothing in it is shared with the sender.
func copied(m Message) Message {
	switch m := m.(type) {
	case Digest:
		m.Header = maps.Clone(m.Header)
		return m
	case Ops:
		m.Ops = slices.Clone(m.Ops)
		for i, op := range m.Ops {
			if op.Put != nil {
				o := copiedOccupant(*op.Put)
				m.Ops[i].Put = &o
			}
		}
		return m
	case Snapshot:
		m.Occupants = slices.Clone(m.Occupants)
		for i, o := range m.Occupants {
			m.Occupants[i] = copiedOccupant(o)
		}
		return m
	case Commit:
		m.Seen, m.Shards, m.Writes = maps.Clone(m.Seen), maps.Clone(m.Shards), slices.Clone(m.Writes)
		return m
	case State:
		m.Context, m.Registers = maps.Clone(m.Context), slices.Clone(m.Registers)
		for i := range m.Registers {
			m.Registers[i].Shards = maps.Clone(m.Registers[i].Shards)
		}
		return m
	}
	return m
}

func copiedOccupant(o Occupant) Occupant {
	o.Admitted, o.Presence, o.Sources = maps.Clone(o.Admitted), slices.Clone(o.Presence), slices.Clone(o.Sources)
	return o
}
