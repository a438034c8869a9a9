package directory

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

func newService() *Service {
	s := NewService()
	s.SetLive(start, []identity.Name{nodeA, nodeB, nodeC})
	return s
}

func TestServiceTellsHoldersOfEachOther(t *testing.T) {
	s, ok := newService(), must(t)
	expect(t, ok(s.Handle(at(0), nodeB, leaseOf("r", 1, ""))), Send{nodeB, holders("r", nodeB)})
	both := holders("r", nodeA, nodeB)
	expect(t, ok(s.Handle(at(1), nodeA, leaseOf("r", 1, ""))), Send{nodeA, both}, Send{nodeB, both})
	// Taken again: only who did is told.
	expect(t, ok(s.Handle(at(2), nodeB, leaseOf("r", 1, ""))), Send{nodeB, both})
	// Somebody who is not seen alive, or not yet, is told when it is there, and not otherwise.
	all := holders("r", nodeA, nodeB, nodeD)
	expect(t, ok(s.Handle(at(3), nodeD, leaseOf("r", 1, ""))), Send{nodeA, all}, Send{nodeB, all}, Send{nodeD, all})
	expect(t, ok(s.Handle(at(4), nodeA, wire.Release{Room: "r", Incarnation: 1})), Send{nodeB, holders("r", nodeB, nodeD)})
}

func TestServiceForgetsLeases(t *testing.T) {
	s, ok := newService(), must(t)
	ok(s.Handle(at(0), nodeA, leaseOf("r", 1, "h")))
	ok(s.Handle(at(5*time.Second), nodeB, leaseOf("r", 1, "")))
	if got, want := s.Next(), at(ttl); got != want {
		t.Errorf("next at %v, want %v", got, want)
	}
	ok(s.Handle(at(6*time.Second), nodeB, leaseOf("r", 1, "")))
	expect(t, s.Tick(at(ttl-1)))
	expect(t, s.Tick(at(ttl)), Send{nodeB, holders("r", nodeB)})
	expect(t, s.Tick(at(ttl+6*time.Second-1)))
	if s.Rooms() != 1 {
		t.Error("the lease ended early")
	}
	expect(t, s.Tick(at(ttl+6*time.Second)))
	if s.Rooms() != 0 || !s.Next().IsZero() || s.headers != 0 {
		t.Errorf("left: %d rooms, %d bytes, next %v", s.Rooms(), s.headers, s.Next())
	}
	expect(t, ok(s.Handle(at(time.Hour), nodeC, wire.Claim{Room: "r", ID: 1})), Send{nodeC, wire.ClaimAnswer{Room: "r", ID: 1}})
}

func TestServiceCapsTheTime(t *testing.T) {
	s, ok := newService(), must(t)
	f := leaseOf("r", 1, "")
	f.TTL = time.Hour
	ok(s.Handle(at(0), nodeA, f))
	if got := s.Next(); got != at(maxTTL) {
		t.Errorf("a lease until %v", got.Sub(start))
	}
}

func TestServiceIgnoresThePast(t *testing.T) {
	s, ok := newService(), must(t)
	ok(s.Handle(at(0), nodeA, leaseOf("r", 5, "new")))
	expect(t, ok(s.Handle(at(1), nodeA, leaseOf("r", 4, "old"))))
	expect(t, ok(s.Handle(at(2), nodeA, wire.Release{Room: "r", Incarnation: 4})))
	expect(t, ok(s.Handle(at(3), nodeC, wire.Claim{Room: "r", ID: 7})),
		Send{nodeC, wire.ClaimAnswer{Room: "r", ID: 7, Known: true, Holders: []identity.Name{nodeA}, Header: []byte("new")}})
	// A release of a later incarnation than the lease: the lease is over too.
	expect(t, ok(s.Handle(at(4), nodeA, wire.Release{Room: "r", Incarnation: 6})))
	if s.Rooms() != 0 {
		t.Error("the lease is still there")
	}
}

func TestServiceWritesLeasesForTheSenderOnly(t *testing.T) {
	s, ok := newService(), must(t)
	ok(s.Handle(at(0), nodeA, leaseOf("r", 1, "")))
	expect(t, ok(s.Handle(at(1), nodeB, wire.Release{Room: "r", Incarnation: 9})))
	expect(t, ok(s.Handle(at(2), nodeC, wire.Claim{Room: "r"})),
		Send{nodeC, wire.ClaimAnswer{Room: "r", Known: true, Holders: []identity.Name{nodeA}}})
}

func TestServiceKeepsTheLastHeader(t *testing.T) {
	s, ok := newService(), must(t)
	header := func() string {
		t.Helper()
		send, _ := ok(s.Handle(at(0), nodeC, wire.Claim{Room: "r"}))[0].(Send)
		a, _ := send.Frame.(wire.ClaimAnswer)
		return string(a.Header)
	}
	ok(s.Handle(at(0), nodeA, leaseOf("r", 1, "one")))
	ok(s.Handle(at(0), nodeB, leaseOf("r", 1, "second")))
	if got := header(); got != "second" {
		t.Errorf("%q", got)
	}
	ok(s.Handle(at(0), nodeA, leaseOf("r", 1, "")))
	ok(s.Handle(at(0), nodeB, wire.Release{Room: "r", Incarnation: 1}))
	if got := header(); got != "second" || s.headers != len("second") {
		t.Errorf("%q of %d bytes", got, s.headers)
	}
}

func TestServiceRefuses(t *testing.T) {
	for what, f := range map[string]wire.Frame{
		"no room":       leaseOf("", 1, ""),
		"long room":     wire.Claim{Room: strings.Repeat("r", wire.MaxRoom+1)},
		"no time":       wire.Lease{Room: "r"},
		"negative time": wire.Lease{Room: "r", TTL: -time.Second},
		"large header":  leaseOf("r", 1, strings.Repeat("h", wire.MaxHeader+1)),
		"holders":       holders("r", nodeA),
		"a command":     wire.Command{Room: "r"},
		"hello":         wire.Hello{},
		"nothing":       nil,
	} {
		s := newService()
		effects, err := s.Handle(at(0), nodeA, f)
		if err == nil || errors.Is(err, ErrFull) || len(effects) > 0 || s.Rooms() != 0 {
			t.Errorf("%s: %v, %v, %d rooms", what, effects, err, s.Rooms())
		}
	}
}

func TestServiceIsBounded(t *testing.T) {
	s := newService()
	full := func(what string, from identity.Name, f wire.Frame) {
		t.Helper()
		if _, err := s.Handle(at(0), from, f); !errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", what, err)
		}
	}
	take := func(from identity.Name, f wire.Frame) {
		t.Helper()
		if _, err := s.Handle(at(0), from, f); err != nil {
			t.Fatal(err)
		}
	}
	// Of one peer, and of all.
	peers := []identity.Name{nodeA, nodeB, nodeC, nodeD, "eeeeeeeeee"}
	for i, from := range peers {
		for j := range maxLeases {
			take(from, leaseOf(fmt.Sprintf("room %d of %d", j, i), 1, ""))
		}
	}
	full("leases of a peer", nodeA, leaseOf("room 0 of 1", 1, ""))
	full("rooms", "ffffffffff", leaseOf("one more", 1, ""))
	take("ffffffffff", leaseOf("room 0 of 0", 1, ""))
	take(nodeA, leaseOf("room 0 of 0", 1, "")) // one that it has
	if s.Rooms() != maxRooms {
		t.Errorf("%d rooms", s.Rooms())
	}
	s.Tick(at(time.Hour))
	if s.Rooms() != 0 || len(s.leases) != 0 {
		t.Errorf("%d rooms and %d peers are left", s.Rooms(), len(s.leases))
	}

	// Of one room.
	for i := range wire.MaxHolders {
		take(identity.Name(fmt.Sprintf("holder%04d", i)), leaseOf("r", 1, ""))
	}
	full("holders", nodeA, leaseOf("r", 1, ""))
	take("holder0007", leaseOf("r", 2, ""))

	// Of headers: the lease counts all the same.
	large := strings.Repeat("h", wire.MaxHeader)
	for i := range maxHeaders / wire.MaxHeader {
		take(nodeA, leaseOf(fmt.Sprint("large", i), 1, large))
	}
	full("headers", nodeB, leaseOf("last", 1, "h"))
	take(nodeB, leaseOf("large1", 1, "small"))
	take(nodeB, leaseOf("last", 1, "h"))
	if s.headers > maxHeaders {
		t.Errorf("%d bytes of headers", s.headers)
	}
}
