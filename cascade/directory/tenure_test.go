package directory

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

var members = []identity.Name{nodeA, nodeB, nodeC, nodeD, self}

// holder holds a room whose servers are nodeA, nodeB and nodeC, since the start.
func holder(t *testing.T, header string) (*Client, string) {
	t.Helper()
	room := roomWith(t, members, nodeA, nodeB, nodeC)
	c := NewClient(self)
	c.SetLive(at(0), members)
	var h []byte
	if header != "" {
		h = []byte(header)
	}
	expect(t, c.Hold(at(0), room, 5, h), toAll(leaseOf(room, 5, header))...)
	return c, room
}

func toAll(f wire.Frame) []Effect { return []Effect{Send{nodeA, f}, Send{nodeB, f}, Send{nodeC, f}} }

func TestHolderRefreshes(t *testing.T) {
	c, room := holder(t, "h")
	for i := 1; i < 20; i++ {
		if got := c.Next(); got != at(time.Duration(i)*refresh) {
			t.Fatalf("refresh %d at %v", i, got.Sub(start))
		}
		header := ""
		if i%6 == 0 { // for those who lost it without anybody noticing
			header = "h"
		}
		expect(t, c.Tick(c.Next()), toAll(leaseOf(room, 5, header))...)
	}
}

func TestHeaderIsSentWhenItChanged(t *testing.T) {
	c, room := holder(t, "h")
	expect(t, c.Update(at(time.Second), room, []byte("h")))
	expect(t, c.Update(at(time.Second), room, []byte("i")), toAll(leaseOf(room, 5, "i"))...)
	// Not more often than once a second, and then the last.
	expect(t, c.Update(at(1500*time.Millisecond), room, []byte("j")))
	expect(t, c.Update(at(1600*time.Millisecond), room, []byte("k")))
	if got := c.Next(); got != at(2*time.Second) {
		t.Errorf("next at %v", got.Sub(start))
	}
	expect(t, c.Tick(at(2*time.Second)), toAll(leaseOf(room, 5, "k"))...)
	expect(t, c.Tick(at(refresh)), toAll(leaseOf(room, 5, ""))...)
	expect(t, c.Update(at(refresh), room, make([]byte, wire.MaxHeader+1)))
	expect(t, c.Update(at(refresh), "another", []byte("x")))
}

func TestHolderWithoutAHeaderSendsNone(t *testing.T) {
	c, room := holder(t, "")
	for range 12 {
		expect(t, c.Tick(c.Next()), toAll(leaseOf(room, 5, ""))...)
	}
	expect(t, c.Update(c.Next(), room, []byte("h")), toAll(leaseOf(room, 5, "h"))...)
}

func TestHoldAgain(t *testing.T) {
	c, room := holder(t, "h")
	expect(t, c.Hold(at(time.Second), room, 6, []byte("h")), toAll(leaseOf(room, 6, ""))...)
	expect(t, c.Hold(at(2*time.Second), room, 6, []byte("i")), toAll(leaseOf(room, 6, "i"))...)
	expect(t, c.Tick(at(refresh)), toAll(leaseOf(room, 6, ""))...)
	expect(t, c.Drop(at(refresh), room), toAll(wire.Release{Room: room, Incarnation: 6})...)
}

func TestDropLeavesNothing(t *testing.T) {
	c, room := holder(t, "h")
	must(t)(c.Handle(at(1), nodeA, holders(room, nodeD, self)))
	expect(t, c.Drop(at(2), room), toAll(wire.Release{Room: room, Incarnation: 5})...)
	expect(t, c.Drop(at(2), room))
	expect(t, must(t)(c.Handle(at(3), nodeA, holders(room, nodeD))))
	if len(c.rooms) != 0 || !c.Next().IsZero() || len(c.Servers()) != 0 {
		t.Errorf("%d rooms, next %v, servers %v", len(c.rooms), c.Next(), c.Servers())
	}
}

func TestServersChange(t *testing.T) {
	c, room := holder(t, "h")
	must(t)(c.Handle(at(1), nodeB, holders(room, self)))
	c.Tick(at(refresh)) // all have the header
	// nodeB dies: the new one gets a lease with the header, nodeB nothing.
	live := without(members, nodeB)
	now := Servers(room, live)
	var fresh identity.Name
	for _, n := range now {
		if n != nodeA && n != nodeC {
			fresh = n
		}
	}
	expect(t, c.SetLive(at(11*time.Second), live), Send{fresh, leaseOf(room, 5, "h")})
	if want := without(slices.Sorted(slices.Values(now)), self); !slices.Equal(c.Servers(), want) {
		t.Errorf("servers %v, want %v", c.Servers(), want)
	}
	expect(t, c.SetLive(at(11*time.Second), live)) // the same again
	// It comes back, and has forgotten everything; the other gets its lease back.
	expect(t, c.SetLive(at(12*time.Second), members), Send{nodeB, leaseOf(room, 5, "h")}, Send{fresh, wire.Release{Room: room, Incarnation: 5}})
	expect(t, c.Tick(at(2*refresh)), toAll(leaseOf(room, 5, ""))...)
	if n := len(c.rooms[room].servers); n != 3 {
		t.Errorf("%d servers, one of which never said anything", n)
	}
}

func TestNewLinkIsToldAnew(t *testing.T) {
	c, room := holder(t, "h")
	expect(t, c.LinkUp(at(1), nodeB), Send{nodeB, leaseOf(room, 5, "h")})
	expect(t, c.LinkUp(at(1), nodeD))
}

func TestHoldersAreMerged(t *testing.T) {
	c, room := holder(t, "")
	ok := must(t)
	changed := func(nodes ...identity.Name) Effect { return HoldersChanged{room, nodes} }
	expect(t, ok(c.Handle(at(1), nodeA, holders(room, self))))
	expect(t, ok(c.Handle(at(1), nodeA, holders(room, nodeB, self))), changed(nodeB))
	expect(t, ok(c.Handle(at(2), nodeB, holders(room, nodeB, nodeD, self))), changed(nodeB, nodeD))
	expect(t, ok(c.Handle(at(3), nodeC, holders(room, nodeD))))
	// As long as one server has it, it is one.
	expect(t, ok(c.Handle(at(4), nodeA, holders(room, self))))
	expect(t, ok(c.Handle(at(5), nodeB, holders(room, self))), changed(nodeD))
	// Who is dead is none, and is one again when it is alive again.
	expect(t, ok(c.Handle(at(6), nodeC, holders(room, nodeD, "zzzzzzzzzz"))))
	effects := c.SetLive(at(7), append(slices.Clone(members), "zzzzzzzzzz"))
	if diff := cmp.Diff(changed(nodeD, "zzzzzzzzzz"), effects[len(effects)-1]); diff != "" {
		t.Error(diff)
	}
	effects = c.SetLive(at(8), without(members, nodeD))
	if diff := cmp.Diff(Effect(HoldersChanged{Room: room}), effects[len(effects)-1]); diff != "" {
		t.Error(diff)
	}
}

func TestListsGrowOld(t *testing.T) {
	c, room := holder(t, "")
	ok := must(t)
	ok(c.Handle(at(time.Second), nodeA, holders(room, nodeD)))
	ok(c.Handle(at(2*time.Second), nodeB, holders(room, nodeB, nodeD)))
	told := func(until time.Duration) (out []Effect) {
		for !c.Next().After(at(until)) {
			for _, e := range c.Tick(c.Next()) {
				if _, ok := e.(Send); !ok {
					out = append(out, e)
				}
			}
		}
		return out
	}
	expect(t, told(ttl+2*time.Second-1))
	expect(t, told(ttl+2*time.Second), HoldersChanged{Room: room})
}

// When the servers change, the lists of those that were count on until they are old: the new ones do not know everybody yet.
func TestFormerServersCount(t *testing.T) {
	c, room := holder(t, "")
	ok := must(t)
	for _, n := range []identity.Name{nodeA, nodeB, nodeC} {
		ok(c.Handle(at(1), n, holders(room, nodeD, self)))
	}
	all := append(slices.Clone(members), "eeeeeeeeee", "ffffffffff", "gggggggggg", "hhhhhhhhhh", "iiiiiiiiii", "jjjjjjjjjj")
	next := Servers(room, all)
	for _, e := range c.SetLive(at(2), all) {
		if h, ok := e.(HoldersChanged); ok {
			t.Errorf("%+v", h)
		}
	}
	for _, n := range next {
		expect(t, ok(c.Handle(at(3), n, holders(room, self))))
	}
	if n := len(c.rooms[room].servers); n <= 3 {
		t.Fatalf("the change of servers changed nothing: %v", next)
	}
	for c.Next().Before(at(2 * ttl)) {
		now := c.Next()
		c.Tick(now)
		for _, n := range next {
			ok(c.Handle(now, n, holders(room, self)))
		}
	}
	if n := len(c.rooms[room].servers); n != 3 {
		t.Errorf("%d servers", n)
	}
}

func TestClientRefuses(t *testing.T) {
	c, room := holder(t, "")
	for what, f := range map[string]wire.Frame{
		"many holders": holders(room, make([]identity.Name, wire.MaxHolders+1)...),
		"a claim":      wire.Claim{Room: room},
		"nothing":      nil,
	} {
		if effects, err := c.Handle(at(1), nodeA, f); err == nil || len(effects) > 0 {
			t.Errorf("%s: %v, %v", what, effects, err)
		}
	}
	// A list that was not asked for changes nothing.
	expect(t, must(t)(c.Handle(at(1), nodeD, holders(room, nodeD))))
}
