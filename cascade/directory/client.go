package directory

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// Client is the asking side of the directory on one node: claims, and the rooms that the node holds.
type Client struct {
	self   identity.Name
	live   []identity.Name // in order, self among them
	claims map[string]*claim
	rooms  map[string]*tenure
	lastID uint64
	agenda agenda
}

// NewClient returns a client that holds nothing and knows of no other member.
func NewClient(self identity.Name) *Client {
	return &Client{self: self, live: []identity.Name{self}, claims: map[string]*claim{}, rooms: map[string]*tenure{}}
}

// SetLive says which members are alive; the node itself always is.
func (c *Client) SetLive(_ time.Time, names []identity.Name) (out []Effect) {
	live := slices.Sorted(slices.Values(append(slices.Clone(names), c.self)))
	live = slices.Compact(live)
	if slices.Equal(live, c.live) {
		return nil
	}
	c.live = live
	for _, name := range slices.Sorted(maps.Keys(c.claims)) {
		out = append(out, c.claims[name].ask()...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.rooms)) {
		out = append(out, c.rooms[name].register()...)
		out = append(out, c.rooms[name].merge()...)
	}
	return out
}

// LinkUp says that what is sent to the peer from now on arrives there, and that what was sent before may not have: it is
// said again.
func (c *Client) LinkUp(_ time.Time, peer identity.Name) (out []Effect) {
	for _, name := range slices.Sorted(maps.Keys(c.claims)) {
		out = append(out, c.claims[name].again(peer)...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.rooms)) {
		out = append(out, c.rooms[name].again(peer)...)
	}
	return out
}

// Handle takes a ClaimAnswer or Holders. An error is the sender's fault.
func (c *Client) Handle(now time.Time, from identity.Name, frame wire.Frame) ([]Effect, error) {
	switch f := frame.(type) {
	case wire.ClaimAnswer:
		if len(f.Holders) > wire.MaxHolders || len(f.Header) > wire.MaxHeader {
			return nil, fmt.Errorf("answer of %s with %d holders and a header of %d bytes", from, len(f.Holders), len(f.Header))
		}
		if cl := c.claims[f.Room]; cl != nil && cl.id == f.ID {
			return cl.answer(from, f)
		}
		return nil, nil // too late
	case wire.Holders:
		if len(f.Nodes) > wire.MaxHolders {
			return nil, fmt.Errorf("%d holders from %s", len(f.Nodes), from)
		}
		if t := c.rooms[f.Room]; t != nil {
			return t.listed(now, from, f.Nodes), nil
		}
		return nil, nil // of a room that was dropped
	}
	return nil, fmt.Errorf("%T from %s is not for who asks a directory", frame, from)
}

// Tick ends claims, takes leases again and forgets old lists.
func (c *Client) Tick(now time.Time) []Effect { return c.agenda.tick(now) }

// Next returns when Tick is to be called; the zero time says never.
func (c *Client) Next() time.Time { return c.agenda.next() }

// Servers returns the nodes that the client has to do with: the servers of the rooms that it holds or claims. The node
// itself is not among them.
func (c *Client) Servers() []identity.Name {
	all := map[identity.Name]bool{}
	for _, cl := range c.claims {
		for n := range cl.asked {
			all[n] = true
		}
	}
	for _, t := range c.rooms {
		for n, r := range t.servers {
			if r.current {
				all[n] = true
			}
		}
	}
	delete(all, c.self)
	return slices.Sorted(maps.Keys(all))
}

// others returns those of the nodes that are alive, without this one, in order.
func (c *Client) others(nodes []identity.Name) []identity.Name {
	var out []identity.Name
	for _, n := range nodes {
		if n != c.self && c.alive(n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *Client) alive(n identity.Name) bool {
	_, ok := slices.BinarySearch(c.live, n)
	return ok
}
