package liveness

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

func TestAliveWhenBothHear(t *testing.T) {
	p := newPair(t, false, false)
	p.run(10 * time.Second)
	// Both speak at 0 and hear at 40 ms; that they hear reaches the other at 80 ms.
	want := []event{{80 * ms, Alive}}
	if diff := cmp.Diff([][]event{want, want}, [][]event{p.a.events, p.b.events}); diff != "" {
		t.Error(diff)
	}
	if p.a.sent < 11 || p.a.sent > 12 {
		t.Errorf("%d heartbeats in ten seconds", p.a.sent)
	}
	if rtt, least := p.a.w.RTT(p.now); rtt != 80*ms || least != 80*ms || p.a.w.Loss() != 0 {
		t.Errorf("round trip %v, least %v, loss %v", rtt, least, p.a.w.Loss())
	}
}

func TestFastWhenOneWantsIt(t *testing.T) {
	p := newPair(t, true, false)
	p.run(10 * time.Second)
	if p.a.sent < 495 || p.a.sent > 505 || p.b.sent < 490 || p.b.sent > 505 {
		t.Errorf("%d and %d heartbeats", p.a.sent, p.b.sent)
	}
	p.a.w.Want(p.now, false, false, nil)
	a, b := p.a.sent, p.b.sent
	p.run(10 * time.Second)
	if a, b = p.a.sent-a, p.b.sent-b; a < 18 || a > 22 || b < 18 || b > 24 {
		t.Errorf("%d and %d heartbeats when nobody wants them fast", a, b)
	}
	if len(p.a.events)+len(p.b.events) != 2 {
		t.Errorf("%v %v", p.a.events, p.b.events)
	}
}

func TestSilence(t *testing.T) {
	cases := map[string]struct {
		fast bool
		want time.Duration // from the last heartbeat that arrives to death
	}{
		"slow": {false, 3 * time.Second},
		"fast": {true, 80 * ms},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, c.fast, c.fast)
			p.run(20*time.Second + ms) // the last heartbeats were sent at 20 s and arrive 40 ms later
			p.a.events, p.b.events = nil, nil
			p.a.lose = func(Beat) bool { return true }
			p.b.lose = p.a.lose
			p.run(10 * time.Second)
			want := []event{{20*time.Second + 40*ms + c.want, Dead}}
			if diff := cmp.Diff([][]event{want, want}, [][]event{p.a.events, p.b.events}); diff != "" {
				t.Fatal(diff)
			}
			p.a.events, p.b.events = nil, nil
			p.a.lose, p.b.lose = nil, nil
			healed := p.now.Sub(start)
			p.run(5 * time.Second)
			if len(p.a.events) != 1 || len(p.b.events) != 1 {
				t.Fatalf("%v %v", p.a.events, p.b.events)
			}
			// Fast: three heartbeats within 40 ms, 40 ms for them, 40 ms for the answer, and what is left of a pace.
			limit := time.Second + 120*ms
			if c.fast {
				limit = 150 * ms
			}
			if took := p.a.events[0].After - healed; took > limit {
				t.Errorf("alive %v after healing", took)
			}
		})
	}
}

func TestThreeHeartbeatsReviveAtTheFastPace(t *testing.T) {
	p := newPair(t, true, true)
	p.run(5 * time.Second)
	p.a.deaf = true
	p.run(5 * time.Second)
	p.a.deaf = false
	heard := 0
	for !p.a.w.Hearing() && heard < 10 {
		before := p.a.w.received
		p.run(ms)
		heard += int(p.a.w.received - before)
	}
	if heard != revival {
		t.Errorf("hears after %d heartbeats, want %d", heard, revival)
	}
}

func TestSilenceLimitFollowsTheGaps(t *testing.T) {
	var g gap
	if g.limit() != 80*ms {
		t.Errorf("limit %v at first", g.limit())
	}
	for range 100 {
		g.add(20 * ms)
	}
	if g.limit() != 80*ms || g.mean != 20*ms {
		t.Errorf("limit %v of a steady peer, mean %v", g.limit(), g.mean)
	}
	for i := range 100 {
		g.add(time.Duration(i%2) * 40 * ms)
	}
	if g.limit() < 120*ms || g.limit() > 160*ms {
		t.Errorf("limit %v of an unsteady peer, want about 20+6*20 ms", g.limit())
	}
	for range 100 {
		g.add(time.Second)
	}
	if g.limit() != 250*ms {
		t.Errorf("limit %v of a very slow peer", g.limit())
	}
}

func TestMediaCounts(t *testing.T) {
	p := newPair(t, true, true)
	p.run(5 * time.Second)
	p.a.events = nil
	p.b.lose = func(Beat) bool { return true }
	p.b.deaf = true
	for range 100 {
		p.a.w.Heard(p.now)
		p.run(50 * ms)
	}
	if len(p.a.events) != 0 {
		t.Errorf("%v while media comes", p.a.events)
	}
	last := p.now.Add(-50 * ms).Sub(start)
	p.run(time.Second)
	if diff := cmp.Diff([]event{{last + 80*ms, Dead}}, p.a.events); diff != "" {
		t.Error(diff)
	}
}

// TestOneDirectionCut holds that both ends find it, the one that still hears by being told.
func TestOneDirectionCut(t *testing.T) {
	p := newPair(t, true, true)
	p.run(5*time.Second + ms)
	p.a.events, p.b.events = nil, nil
	p.a.lose = func(Beat) bool { return true } // b hears nothing
	p.run(time.Second)
	at := 5*time.Second + 40*ms + 80*ms
	if diff := cmp.Diff([][]event{{{at + 40*ms, Dead}}, {{at, Dead}}}, [][]event{p.a.events, p.b.events}); diff != "" {
		t.Error(diff)
	}
	if !p.a.w.Hearing() || p.b.w.Hearing() {
		t.Error("who hears whom is wrong")
	}
}

func TestLateCallerIsGivenTime(t *testing.T) {
	p := newPair(t, true, true)
	p.run(5 * time.Second)
	w := p.a.w
	now := p.now.Add(300 * ms) // the process stood still
	w.Tick(now, 290*ms)
	if _, changed := w.State(); changed {
		t.Error("dead although nothing could be read")
	}
	if w.Next().After(now.Add(40 * ms)) {
		t.Errorf("next at %v", w.Next().Sub(now))
	}
	w.Tick(now.Add(40*ms), 0)
	if s, changed := w.State(); !changed || s != Dead {
		t.Error("not dead after the time was over")
	}
}

func TestPlayedBack(t *testing.T) {
	p := newPair(t, false, false)
	var kept []Beat
	p.b.lose = func(b Beat) bool { kept = append(kept, b); return false }
	p.run(20 * time.Second)
	p.b.lose = func(Beat) bool { return true }
	p.run(10 * time.Second)
	if p.a.w.Hearing() {
		t.Fatal("still hears")
	}
	for _, b := range kept {
		if p.a.w.Receive(p.now, addrB, &b) {
			t.Errorf("heartbeat %d counts again", b.Sequence)
		}
	}
	if p.a.w.Hearing() {
		t.Error("the dead were raised")
	}

	// A node that started since hears them, but nobody answers it.
	later := p.now.Add(time.Hour)
	fresh := NewWatch(later, NewClock(later), nameA, nameB, 3)
	for _, b := range kept {
		fresh.Receive(later, addrB, &b)
		fresh.Tick(later, 0)
		if s, _ := fresh.State(); s != Dead {
			t.Fatal("alive by what was said to another")
		}
	}
}

func TestPeerStartsAgainWithItsClockSetBack(t *testing.T) {
	p := newPair(t, false, false)
	p.run(20 * time.Second)
	p.a.w.lastSent += uint64(time.Hour.Microseconds()) // the clock before was an hour ahead of the one now
	p.b.w = NewWatch(p.now, NewClock(p.now), nameB, nameA, 77)
	p.b.w.Want(p.now, false, false, []netip.AddrPort{addrA})
	p.run(5 * time.Second)
	if s := p.a.w.Last(); s != Alive || p.a.w.Started() != 77 {
		t.Errorf("%v, started %d", s, p.a.w.Started())
	}
}

func TestPathFollowsThePeer(t *testing.T) {
	p := newPair(t, false, false)
	other := netip.MustParseAddrPort("10.0.0.9:1")
	p.run(5 * time.Second)
	if got := p.a.w.Targets(nil); !cmp.Equal(got, []netip.AddrPort{addrB}, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })) {
		t.Fatalf("targets %v", got)
	}
	beat := func(from netip.AddrPort) {
		b := p.b.w.Send(p.now)
		b.Sent += uint64(p.now.UnixNano() % 1000)
		p.a.w.Receive(p.now, from, &b)
	}
	p.now = p.now.Add(500 * ms)
	beat(other)
	if p.a.w.Path() != addrB {
		t.Error("one stray heartbeat moved the path")
	}
	for range 4 {
		p.now = p.now.Add(time.Second)
		p.a.w.Tick(p.now, 0)
		beat(other)
	}
	if p.a.w.Path() != other {
		t.Error("the path stays where nothing comes from")
	}
	p.b.lose = func(Beat) bool { return true }
	p.run(5 * time.Second)
	if got := len(p.a.w.Targets(nil)); got != 2 {
		t.Errorf("%d targets for one that is not heard, want both addresses", got)
	}
}

func TestLoss(t *testing.T) {
	p := newPair(t, true, true)
	n := 0
	p.a.lose = func(Beat) bool { n++; return n%10 == 0 }
	p.run(60 * time.Second)
	if l := p.a.w.Loss(); l < 0.08 || l > 0.12 {
		t.Errorf("loss %.3f, want 0.1", l)
	}
	if l := p.b.w.Loss(); l != 0 {
		t.Errorf("loss %.3f in the other direction", l)
	}
	before := p.a.w.Loss()
	p.a.lose = func(Beat) bool { return true }
	p.run(5 * time.Second)
	p.a.lose = nil
	p.run(200 * ms)
	if l := p.a.w.Loss(); l > before {
		t.Errorf("loss %.3f: a cut counts", l)
	}
}

func TestLeastRoundTripIsOfTheLastSeconds(t *testing.T) {
	p := newPair(t, false, false)
	p.run(20 * time.Second)
	p.a.delay = 90 * ms
	p.run(9 * time.Second)
	if rtt, least := p.a.w.RTT(p.now); least != 80*ms || rtt <= 80*ms {
		t.Errorf("round trip %v, least %v", rtt, least)
	}
	p.run(5 * time.Second)
	if _, least := p.a.w.RTT(p.now); least != 130*ms {
		t.Errorf("least %v after it was over", least)
	}
}

func TestLinkWish(t *testing.T) {
	p := newPair(t, false, false)
	p.run(5 * time.Second)
	p.a.w.Want(p.now, false, true, []netip.AddrPort{addrB})
	p.run(41 * ms)
	if !p.b.w.LinkWanted() || p.a.w.LinkWanted() {
		t.Error("the wish did not go at once")
	}
	p.a.w.Want(p.now, false, false, []netip.AddrPort{addrB})
	p.run(65 * ms)
	if p.b.w.LinkWanted() {
		t.Error("the wish stays")
	}
}

func TestDeadAreLeftInPeace(t *testing.T) {
	p := newPair(t, true, true)
	p.b.lose = func(Beat) bool { return true }
	p.run(31 * time.Second)
	sent := p.a.sent
	p.run(10 * time.Second)
	if n := p.a.sent - sent; n > 11 {
		t.Errorf("%d heartbeats in ten seconds to one that is dead for long", n)
	}
}
