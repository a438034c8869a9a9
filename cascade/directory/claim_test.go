package directory

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// asked returns the id of the claims that were sent, and who they went to.
func asked(t *testing.T, effects []Effect) (id uint64, to []identity.Name) {
	t.Helper()
	for _, e := range effects {
		s, _ := e.(Send)
		f, ok := s.Frame.(wire.Claim)
		if !ok || id != 0 && id != f.ID {
			t.Fatalf("%+v", effects)
		}
		id, to = f.ID, append(to, s.To)
	}
	return id, to
}

// claimant has asked nodeA, nodeB and nodeC about a room.
func claimant(t *testing.T) (c *Client, room string, id uint64) {
	t.Helper()
	live := []identity.Name{nodeA, nodeB, nodeC, nodeD, self}
	room = roomWith(t, live, nodeA, nodeB, nodeC)
	c = NewClient(self)
	c.SetLive(at(0), live)
	id, to := asked(t, c.Claim(at(0), room))
	if len(to) != 3 || c.Next() != at(claimTime) {
		t.Fatalf("asked %v, next %v", to, c.Next())
	}
	return c, room, id
}

func done(t *testing.T, c *Client) {
	t.Helper()
	if len(c.claims) != 0 || !c.Next().IsZero() {
		t.Errorf("%d claims, next %v", len(c.claims), c.Next())
	}
}

func TestClaimEndsWithTheFirstYes(t *testing.T) {
	c, room, id := claimant(t)
	no := wire.ClaimAnswer{Room: room, ID: id}
	expect(t, must(t)(c.Handle(at(1), nodeA, no)))
	// Who is not alive, and the node itself, are not told.
	yes := wire.ClaimAnswer{Room: room, ID: id, Known: true, Holders: []identity.Name{nodeA, nodeD, self, "zzzzzzzzzz"}, Header: []byte("h")}
	expect(t, must(t)(c.Handle(at(2), nodeB, yes)), Claimed{room, true, []identity.Name{nodeA, nodeD}, []byte("h")})
	done(t, c)
	// What comes later is nobody's fault.
	expect(t, must(t)(c.Handle(at(3), nodeC, yes)))
	expect(t, c.Tick(at(time.Second)))
}

func TestClaimEndsWhenAllSayNo(t *testing.T) {
	c, room, id := claimant(t)
	no := wire.ClaimAnswer{Room: room, ID: id}
	for _, from := range []identity.Name{nodeA, nodeC, nodeC} {
		expect(t, must(t)(c.Handle(at(1), from, no)))
	}
	expect(t, must(t)(c.Handle(at(2), nodeB, no)), Claimed{Room: room})
	done(t, c)
}

func TestClaimEndsInTime(t *testing.T) {
	c, room, _ := claimant(t)
	expect(t, c.Tick(at(claimTime-1)))
	expect(t, c.Tick(at(claimTime)), Claimed{Room: room})
	done(t, c)
}

func TestClaimAloneEndsAtOnce(t *testing.T) {
	c := NewClient(self)
	expect(t, c.Claim(at(0), "r"), Claimed{Room: "r"})
	c.SetLive(at(0), []identity.Name{self})
	expect(t, c.Claim(at(0), "r"), Claimed{Room: "r"})
	done(t, c)
}

func TestClaimIsMadeOnce(t *testing.T) {
	c, room, id := claimant(t)
	expect(t, c.Claim(at(1), room))
	if next, _ := asked(t, c.Claim(at(1), room+"2")); next == id {
		t.Error("two claims with one number")
	}
	expect(t, c.Tick(at(claimTime)), Claimed{Room: room})
}

func TestClaimAsksWhoServesNow(t *testing.T) {
	c, room, id := claimant(t)
	no := wire.ClaimAnswer{Room: room, ID: id}
	must(t)(c.Handle(at(1), nodeA, no))
	must(t)(c.Handle(at(1), nodeB, no))
	// nodeC dies: another is asked, which knows.
	again, to := asked(t, c.SetLive(at(2), []identity.Name{nodeA, nodeB, nodeD, self}))
	if again != id || len(to) != 1 {
		t.Fatalf("asked %v", to)
	}
	yes := wire.ClaimAnswer{Room: room, ID: id, Known: true}
	expect(t, must(t)(c.Handle(at(3), to[0], yes)), Claimed{Room: room, Known: true})

	// All others die: nobody is left to be asked but the node itself, which says no.
	c, room, id = claimant(t)
	if again, to := asked(t, c.SetLive(at(1), nil)); again != id || len(to) != 1 || to[0] != self {
		t.Fatalf("asked %v", to)
	}
	expect(t, must(t)(c.Handle(at(1), self, wire.ClaimAnswer{Room: room, ID: id})), Claimed{Room: room})
	done(t, c)
}

func TestClaimIsRepeatedOverANewLink(t *testing.T) {
	c, room, id := claimant(t)
	must(t)(c.Handle(at(1), nodeA, wire.ClaimAnswer{Room: room, ID: id}))
	expect(t, c.LinkUp(at(2), nodeA))
	expect(t, c.LinkUp(at(2), nodeD))
	expect(t, c.LinkUp(at(2), nodeB), Send{nodeB, wire.Claim{Room: room, ID: id}})
}

func TestClaimAnswersOfOthersDoNotCount(t *testing.T) {
	c, room, id := claimant(t)
	yes := wire.ClaimAnswer{Room: room, ID: id, Known: true}
	if effects, err := c.Handle(at(1), nodeD, yes); err == nil || len(effects) > 0 {
		t.Errorf("%v, %v", effects, err)
	}
	stale := yes
	stale.ID--
	expect(t, must(t)(c.Handle(at(1), nodeA, stale)))
	elsewhere := yes
	elsewhere.Room = "elsewhere"
	expect(t, must(t)(c.Handle(at(1), nodeA, elsewhere)))
	large := yes
	large.Header = make([]byte, wire.MaxHeader+1)
	if effects, err := c.Handle(at(1), nodeA, large); err == nil || len(effects) > 0 {
		t.Errorf("%v, %v", effects, err)
	}
	many := yes
	many.Holders = make([]identity.Name, wire.MaxHolders+1)
	if effects, err := c.Handle(at(1), nodeA, many); err == nil || len(effects) > 0 {
		t.Errorf("%v, %v", effects, err)
	}
	if len(c.claims) != 1 {
		t.Error("the claim ended")
	}
}

// An answer to a claim of a former life of the node must not end one of this.
func TestClaimNumbersGoOnAfterARestart(t *testing.T) {
	ids := map[uint64]bool{}
	for life := range 3 {
		c := NewClient(self)
		c.SetLive(at(0), []identity.Name{nodeA})
		for i := range 100 {
			id, _ := asked(t, c.Claim(at(time.Duration(life)*time.Second), string(nodeName(i))))
			if ids[id] {
				t.Fatalf("%d twice", id)
			}
			ids[id] = true
		}
	}
}
