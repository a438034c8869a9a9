package link

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// TestOneWantsALink has one of two nodes want a link, the one that dials and the one that does not.
func TestOneWantsALink(t *testing.T) {
	for which := range 2 {
		t.Run(fmt.Sprint(which), func(t *testing.T) {
			in(t, 2, func(t *testing.T, r *rig) {
				a, b := r.nodes[0], r.nodes[1]
				r.mesh(false, false)
				time.Sleep(5 * time.Second)
				if a.linked(b) || b.linked(a) || !a.report(b).Alive || !b.report(a).Alive {
					t.Fatal("a link that nobody wants")
				}
				one, other := r.nodes[which], r.nodes[1-which]
				one.knows(true, false, other)
				took := r.linked(2*time.Second, a, b)
				time.Sleep(time.Minute)
				if !a.linked(b) || !b.linked(a) {
					t.Fatal("the link did not last")
				}
				one.knows(false, false, other)
				ended := within(t, 20*time.Second, "end", func() bool { return !a.linked(b) && !b.linked(a) })
				t.Logf("link after %v, ended %v after nobody wanted it", took, ended)
				if ended < 10*time.Second || ended > 12*time.Second {
					t.Error("ended too early or too late")
				}
				time.Sleep(time.Minute)
				if diff := cmp.Diff([]string{"alive", "up", "down: no node wants the link"}, one.said()[:3]); diff != "" && which == 0 {
					t.Error(diff)
				}
				if a.linked(b) || !a.report(b).Alive {
					t.Error("linked again, or dead")
				}
			})
		})
	}
}

func TestWantedAgainInTime(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, false)
		r.linked(2*time.Second, a, b)
		for range 5 {
			time.Sleep(6 * time.Second)
			r.mesh(false, false)
			time.Sleep(6 * time.Second)
			r.mesh(true, false)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(a.said()); n != 2 || !a.linked(b) {
			t.Errorf("%d events: the link was not kept", n)
		}
	})
}

func TestNoLongerAMember(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, true)
		r.linked(2*time.Second, a, b)
		time.Sleep(time.Second)
		a.said()
		a.e.SetPeers(nil)
		within(t, time.Second, "end", func() bool { return !a.linked(b) && !b.linked(a) })
		if diff := cmp.Diff([]string{"down: no longer a member"}, a.said()); diff != "" {
			t.Error(diff)
		}
		if a.e.Send(b.name(), 0, wire.Claim{Room: "r"}) || a.e.SendMedia(b.name(), Audio, []byte("x")) || len(a.e.Peers()) != 0 {
			t.Error("still there")
		}
		within(t, 5*time.Second, "death", func() bool { return !b.report(a).Alive })

		// Out and in again at once: LinkDown comes before LinkUp, or the rig complains.
		for range 10 {
			a.knows(true, true, b)
			a.e.SetPeers(nil)
			a.knows(true, true, b)
			r.linked(15*time.Second, a, b)
		}
	})
}

func TestNotAMemberYet(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		a.knows(true, false, b) // b does not know a
		time.Sleep(5 * time.Second)
		if b.linked(a) || a.linked(b) {
			t.Fatal("a link with nobody")
		}
		b.knows(false, false, a)
		took := r.linked(time.Second, a, b)
		t.Logf("link %v after b knew", took)
		if took > 100*time.Millisecond {
			t.Error("slow")
		}
	})
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		a.knows(true, false, b)
		time.Sleep(25 * time.Second)
		if want := string(a.name()) + " is not a member here"; !strings.Contains(b.logged(), want) || !strings.Contains(a.logged(), want) {
			t.Errorf("logs %q and %q", a.logged(), b.logged())
		}
		b.knows(false, false, a)
		r.linked(4*time.Second, a, b)
	})
}

// TestWaitingIsBounded has many nodes connect that are no members.
func TestWaitingIsBounded(t *testing.T) {
	in(t, 1, func(t *testing.T, r *rig) {
		n := r.nodes[0]
		const more = 6
		host := r.net.Host("10.0.1.1") // one address: handshakes that are over do not count
		var conns []*quic.Conn
		for i := range maxWaiting + more {
			f := newFakeAt(t, r, true, host, uint16(1000+i))
			defer f.close()
			go func() {
				conn := f.dial(n, protocolControl)
				n.mu.Lock()
				defer n.mu.Unlock()
				conns = append(conns, conn)
			}()
			time.Sleep(5 * time.Millisecond) // quic-go keeps eight Retries
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		refused := 0
		for _, conn := range conns {
			if why := context.Cause(conn.Context()); why != nil {
				refused++
				if !strings.Contains(closed(why), "too many wait to be") {
					t.Error(why)
				}
			}
		}
		if refused != more || len(conns) != maxWaiting+more {
			t.Errorf("%d of %d were refused, want %d", refused, len(conns), more)
		}
		if log := n.logged(); strings.Count(log, "\n") != 1 {
			t.Errorf("log %q", log)
		}
		time.Sleep(15 * time.Second)
		n.e.mu.Lock()
		defer n.e.mu.Unlock()
		if n.e.waiting != 0 {
			t.Errorf("%d still wait", n.e.waiting)
		}
	})
}

func TestSeveralAddresses(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		nowhere := netip.MustParseAddrPort("10.9.9.9:7947")
		a.e.SetPeers([]Peer{{Name: b.name(), Addrs: []netip.AddrPort{nowhere, {}, b.addr}, Link: true}})
		b.e.SetPeers([]Peer{{Name: a.name(), Addrs: nil}}) // learns it
		took := r.linked(5*time.Second, a, b)
		t.Logf("link after %v", took)
		if took > 2*time.Second || a.report(b).Addr != b.addr || b.report(a).Addr != a.addr {
			t.Errorf("%+v %+v", a.report(b), b.report(a))
		}
	})
}

func TestAddressChanges(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, false)
		r.linked(2*time.Second, a, b)
		b.die()
		b.host = r.net.Host("10.0.0.77")
		b.start()
		b.knows(true, false, a) // a is not told where b is now
		took := r.linked(10*time.Second, a, b)
		t.Logf("link after %v", took)
		if got := a.report(b).Addr; got != netip.MustParseAddrPort("10.0.0.77:7947") || took > 5*time.Second {
			t.Errorf("address %v", got)
		}
	})
}

func TestReplaced(t *testing.T) {
	in(t, 1, func(t *testing.T, r *rig) {
		n, f := r.nodes[0], newFake(t, r, true, "10.0.0.100")
		defer f.close()
		n.e.SetPeers([]Peer{f.peer()})
		first := f.hello()
		one, _, err := f.link(n, first)
		if err != nil {
			t.Fatal(err)
		}
		older := first
		older.Started--
		older.Clock++
		if _, _, err := f.link(n, older); closed(err) != "there is a newer link" {
			t.Errorf("an older start: %v", err)
		}
		if _, _, err := f.link(n, first); closed(err) != "there is a newer link" {
			t.Errorf("the same: %v", err)
		}
		if one.Context().Err() != nil {
			t.Fatal("the first was closed")
		}
		again := first
		again.Clock++
		two, _, err := f.link(n, again)
		if err != nil {
			t.Fatalf("dialled anew: %v", err)
		}
		if why := ended(t, one, time.Second); why != "a newer link took its place" {
			t.Errorf("closed for %q", why)
		}
		newer := first
		newer.Started++
		newer.Clock -= 1000
		three, _, err := f.link(n, newer)
		if err != nil {
			t.Fatalf("started anew: %v", err)
		}
		ended(t, two, time.Second)
		_ = three.CloseWithError(0, "gone")
		time.Sleep(time.Second)
		if _, _, err := f.link(n, older); err != nil {
			t.Errorf("in an empty place: %v", err)
		}
		want := []string{
			"up", "down: a newer link took its place", "up", "down: a newer link took its place", "up",
			`down: closed by the other node: "gone"`, "up",
		}
		time.Sleep(time.Second)
		if diff := cmp.Diff(want, slices.Clone(n.said())); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOldLinkEndsBeforeTheNewBegins has a handler hold up the end of a link while its node is a member again.
func TestOldLinkEndsBeforeTheNewBegins(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, false)
		r.linked(2*time.Second, a, b)
		wait := make(chan struct{})
		b.mu.Lock()
		b.on = func(identity.Name, wire.Frame) { <-wait }
		b.mu.Unlock()
		a.e.Send(b.name(), 1, wire.Claim{Room: "r"})
		within(t, time.Second, "the frame", func() bool { return b.got() == 1 })
		b.said()
		b.e.SetPeers(nil)
		b.knows(true, false, a)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if said := b.said(); slices.Contains(said, "up") {
			t.Errorf("%q", said)
		}
		close(wait)
		r.linked(5*time.Second, a, b)
	})
}

// TestMediaWaitsForLinkUp has a handler take its time.
func TestMediaWaitsForLinkUp(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		b.pause = 2 * time.Second
		r.mesh(true, true)
		for range 300 {
			a.e.SendMedia(b.name(), Audio, []byte("x")) // the rig complains when it comes too early
			a.e.Send(b.name(), 1, wire.Claim{Room: "r"})
			time.Sleep(10 * time.Millisecond)
		}
		within(t, time.Second, "media and frames", func() bool { return b.heardMedia() > 0 && b.got() > 0 })
	})
}
