package directory

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// When leases are taken, and how long they and what they bring count.
const (
	refresh     = 10 * time.Second
	ttl         = 30 * time.Second
	copyPause   = time.Second // between copies of a header that changes often
	copyRefresh = 6           // of so many leases one has the header in any case
)

// tenure is a room that this node holds.
type tenure struct {
	client      *Client
	room        string
	incarnation uint64
	header      []byte
	change      uint64 // counts the changes of header
	servers     map[identity.Name]*server
	others      []identity.Name // as last told
	refreshAt   time.Time
	refreshes   int
	copied      time.Time // when a header was last sent because it changed
	copyAt      time.Time // when a change is to be sent; zero: none waits
	step        deadline
}

// server is one of the three, or one that was and whose list still counts.
type server struct {
	current bool
	has     uint64 // change of the header that it was sent
	list    []identity.Name
	until   time.Time // the list counts; zero: there is none
}

// Hold registers the node as a holder of the room, or changes what it registered. The header is a copy as
// wire.AppendHeader writes it, nil when there is none; it is kept and must not be changed.
func (c *Client) Hold(now time.Time, room string, incarnation uint64, header []byte) []Effect {
	t := c.rooms[room]
	if t == nil {
		t = &tenure{client: c, room: room, incarnation: incarnation, servers: map[identity.Name]*server{}, refreshAt: now.Add(refresh)}
		t.step = deadline{key: "room " + room, due: t.due}
		c.rooms[room] = t
		t.setHeader(header)
		out := t.register()
		t.schedule()
		return out
	}
	t.incarnation = incarnation
	t.setHeader(header)
	return t.leases(false)
}

// Update gives the copy of a held room's header to its servers when it changed.
func (c *Client) Update(now time.Time, room string, header []byte) (out []Effect) {
	t := c.rooms[room]
	if t == nil || !t.setHeader(header) {
		return nil
	}
	if t.copyAt = t.copied.Add(copyPause); !t.copyAt.After(now) {
		out = t.copy(now)
	}
	t.schedule()
	return out
}

// Drop ends the node's holding of a room.
func (c *Client) Drop(_ time.Time, room string) (out []Effect) {
	t := c.rooms[room]
	if t == nil {
		return nil
	}
	c.agenda.remove(&t.step)
	delete(c.rooms, room)
	for _, n := range t.names() {
		if t.servers[n].current {
			out = append(out, Send{n, wire.Release{Room: room, Incarnation: t.incarnation}})
		}
	}
	return out
}

func (t *tenure) setHeader(header []byte) (changed bool) {
	if len(header) > wire.MaxHeader || bytes.Equal(header, t.header) {
		return false
	}
	t.header = header
	t.change++
	return true
}

// register takes leases at servers that are new and gives them back at those that no longer are.
func (t *tenure) register() (out []Effect) {
	three := slices.Sorted(slices.Values(Servers(t.room, t.client.live)))
	for _, n := range three {
		s := t.servers[n]
		if s == nil {
			s = &server{}
			t.servers[n] = s
		}
		if !s.current {
			s.current = true
			out = append(out, t.lease(n, true))
		}
	}
	for _, n := range t.names() {
		s := t.servers[n]
		if !s.current || slices.Contains(three, n) {
			continue
		}
		if s.current = false; s.until.IsZero() {
			delete(t.servers, n)
		}
		if t.client.alive(n) {
			out = append(out, Send{n, wire.Release{Room: t.room, Incarnation: t.incarnation}})
		}
	}
	return out
}

// leases takes all leases anew.
func (t *tenure) leases(header bool) (out []Effect) {
	for _, n := range t.names() {
		if t.servers[n].current {
			out = append(out, t.lease(n, header))
		}
	}
	return out
}

// lease takes one lease, with a copy of the header when the server lacks it or it is wanted in any case.
func (t *tenure) lease(n identity.Name, header bool) Effect {
	s := t.servers[n]
	f := wire.Lease{Room: t.room, Incarnation: t.incarnation, TTL: ttl}
	if (header || s.has != t.change) && len(t.header) > 0 {
		f.HasHeader, f.Header = true, t.header
	}
	s.has = t.change
	return Send{n, f}
}

// copy gives a changed header to the servers that lack it.
func (t *tenure) copy(now time.Time) (out []Effect) {
	for _, n := range t.names() {
		if s := t.servers[n]; s.current && s.has != t.change {
			out = append(out, t.lease(n, false))
		}
	}
	t.copied, t.copyAt = now, time.Time{}
	return out
}

func (t *tenure) again(peer identity.Name) []Effect {
	if s := t.servers[peer]; s != nil && s.current {
		return []Effect{t.lease(peer, true)}
	}
	return nil
}

// listed takes a server's list. One that comes from another node was under way when the servers changed.
func (t *tenure) listed(now time.Time, from identity.Name, nodes []identity.Name) []Effect {
	s := t.servers[from]
	if s == nil {
		return nil
	}
	s.list, s.until = nodes, now.Add(ttl)
	t.schedule()
	return t.merge()
}

// merge tells who holds the room when that changed.
func (t *tenure) merge() []Effect {
	var all []identity.Name
	for _, s := range t.servers {
		all = append(all, s.list...)
	}
	others := t.client.others(all)
	if slices.Equal(others, t.others) {
		return nil
	}
	t.others = others
	return []Effect{HoldersChanged{t.room, others}}
}

func (t *tenure) due(now time.Time) (out []Effect) {
	for n, s := range t.servers {
		if s.until.IsZero() || s.until.After(now) {
			continue
		}
		if s.list, s.until = nil, (time.Time{}); !s.current {
			delete(t.servers, n)
		}
	}
	if !t.copyAt.IsZero() && !t.copyAt.After(now) {
		out = t.copy(now)
	}
	if !t.refreshAt.After(now) {
		t.refreshes++
		t.refreshAt = now.Add(refresh)
		out = append(out, t.leases(t.refreshes%copyRefresh == 0)...)
	}
	t.schedule()
	return append(out, t.merge()...)
}

func (t *tenure) schedule() {
	next := t.refreshAt
	if !t.copyAt.IsZero() && t.copyAt.Before(next) {
		next = t.copyAt
	}
	for _, s := range t.servers {
		if !s.until.IsZero() && s.until.Before(next) {
			next = s.until
		}
	}
	t.client.agenda.set(&t.step, next)
}

func (t *tenure) names() []identity.Name { return slices.Sorted(maps.Keys(t.servers)) }
