package node

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/handover/plan"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// startTwo runs two nodes of one cluster that are linked.
func startTwo(ctx context.Context, t *testing.T) (first, second *Node) {
	t.Helper()
	secret := identity.NewSecret().Reveal()
	first, _ = startNode(t, "--secret", secret)
	second, _ = startNode(t, "--secret", secret, "--join", first.mesh.Addr().String())
	eventually(ctx, t, "the nodes to be linked", func() bool {
		return len(first.successors()) == 1 && len(second.successors()) == 1
	})
	return first, second
}

func (n *Node) url() string { return "ws://" + n.cfg.HTTP.String() + "/xmpp-websocket" }

// flows waits until every stream that a guest hears has brought some more packets.
func flows(ctx context.Context, t *testing.T, what string, guests ...*guest) {
	t.Helper()
	for _, g := range guests {
		before := g.ear.streams()
		eventually(ctx, t, g.Endpoint()+": "+what, func() bool {
			for ssrc, s := range g.ear.streams() {
				if s.received < before[ssrc].received+50 {
					return false
				}
			}
			return true
		})
	}
}

// TestMove moves a live participant from one node to another and back, and then the other one: the new node prepares a path,
// the client restarts ICE, its packets go both ways, the participant is handed over. Both go on to talk all the time. Nothing
// is lost or comes twice in either direction, across the wrap of every sequence. (A link drops what it cannot send within 40
// ms, which happens when the machine has no time for it; that much may be missing.)
func TestMove(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	first, second := startTwo(ctx, t)
	a, b := join(ctx, t, first.url(), "a", 1000), join(ctx, t, first.url(), "b", 2000)
	a.talk(ctx, t)
	b.talk(ctx, t)
	eventually(ctx, t, "media before the move", a.received(2, 30))
	eventually(ctx, t, "media before the move", b.received(2, 30))

	overflow := overflowed(t)
	for i, m := range []struct {
		who      *guest
		from, to *Node
	}{{a, first, second}, {a, second, first}, {a, first, second}, {b, first, second}} {
		who := conference.Who{Room: "moving@conference.localhost", Endpoint: room.EndpointID(m.who.Endpoint())}
		began := time.Now()
		outcome, err := m.from.moveAway(ctx, who, m.to.name)
		if err != nil || outcome != plan.Moved {
			t.Fatalf("move %d: outcome %d, %v", i, outcome, err)
		}
		t.Logf("move %d took %v", i, time.Since(began))
		if err := m.who.Follow(ctx, ""); err != nil {
			t.Fatal(err)
		}
		flows(ctx, t, "media after the move", a, b)
		text := string(rune('a' + i))
		a.Chat(text)
		if err := b.Await(ctx, "chat after the move", said(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range []*guest{a, b} {
		g.stop()
		g.done.Wait()
	}
	dropped := overflowed(t) - overflow // by links that were too slow, and by sockets
	if testing.Short() {                // the race detector: paths that keep 128 packets overflow as well
		dropped += 20
	}
	for _, n := range []*Node{first, second} {
		for _, l := range n.mesh.Links() {
			for _, class := range l.Dropped {
				dropped += int(class.Packets)
			}
		}
	}
	for name, g := range map[string]*guest{"a": a, "b": b} {
		streams := g.ear.streams()
		if len(streams) != 2 {
			t.Errorf("%s received %d streams, want 2: %v", name, len(streams), streams)
		}
		for ssrc, s := range streams {
			t.Logf("%s, ssrc %d: %+v", name, ssrc, s)
			if s.missing > dropped || s.twice != 0 || s.jumps != 0 || !s.wrapped {
				t.Errorf("%s, ssrc %d: %+v; want nothing missing (but %d packets that links and sockets had no room for), nothing twice, no jump, a wrap", name, ssrc, s, dropped)
			}
		}
		if err := g.Err(); err != nil {
			t.Error(err)
		}
		if s := g.State(); len(s.Occupants) != 3 || s.Ended != "" {
			t.Errorf("%s sees %v, session ended %q; want both and the focus", name, s.Occupants, s.Ended)
		}
	}
	if n := first.rooms.Counts().Participants; n != 0 {
		t.Errorf("%d participants are left at the first node", n)
	}
	a.Leave()
	if err := b.Await(ctx, "the other to leave", func(s participant.State) bool { return len(s.Occupants) == 2 }); err != nil {
		t.Error(err)
	}
	b.Leave()
}

// overflowed returns how many datagrams the kernel has dropped because a socket was full, on the whole machine.
func overflowed(t *testing.T) int {
	t.Helper()
	counters, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0 // not Linux
	}
	var rows [][]string
	for line := range strings.Lines(string(counters)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == "Udp:" {
			rows = append(rows, fields)
		}
	}
	if len(rows) != 2 {
		t.Fatalf("/proc/net/snmp has %d rows of UDP", len(rows))
	}
	n, err := strconv.Atoi(rows[1][slices.Index(rows[0], "RcvbufErrors")])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
