package route

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// asking is the pulling side of node 0 in a test that says everything by hand. Source i begins at node i.
type asking struct {
	*testing.T
	*Pulls
	now     time.Time
	ways    map[identity.Name]identity.Name
	numbers uint32
}

func newAsking(t *testing.T) *asking {
	a := &asking{T: t, now: start, ways: make(map[identity.Name]identity.Name)}
	a.Pulls = NewPulls(node(0), "r", func() uint32 { a.numbers++; return a.numbers })
	return a
}

func (a *asking) via(origin identity.Name) (identity.Name, bool) {
	w, ok := a.ways[origin]
	return w, ok
}

// way changes the way to an origin; 0 means that there is none.
func (a *asking) way(origin, upstream int) []Send {
	a.ways[node(origin)] = node(upstream)
	if upstream == 0 {
		delete(a.ways, node(origin))
	}
	return a.Reroute(a.now, a.via)
}

func (a *asking) want(i, height int) []Send { return a.Want(a.now, source(i), node(i), height) }

func (a *asking) check(got []Send, want ...Send) {
	a.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		a.Errorf("after %v, want-, got+:\n%s", a.now.Sub(start), diff)
	}
}

func (a *asking) answer(from int, sub uint32, code uint8) []Send {
	a.Helper()
	sends, err := a.Answer(a.now, node(from), wire.Subscribed{Room: "r", Sub: sub, Code: code})
	if err != nil {
		a.Error(err)
	}
	return sends
}

// until checks that nothing happens before d is over, and returns what then does.
func (a *asking) until(d time.Duration) []Send {
	a.Helper()
	want := a.now.Add(d)
	if next := a.Next(); !next.Equal(want) {
		a.Errorf("after %v: next at %v, want %v", a.now.Sub(start), next.Sub(start), want.Sub(start))
	}
	a.check(a.Tick(want.Add(-1)))
	a.now = want
	return a.Tick(want)
}

func (a *asking) quiet() {
	a.Helper()
	if next := a.Next(); !next.IsZero() {
		a.Errorf("after %v: next at %v", a.now.Sub(start), next.Sub(start))
	}
	a.check(a.Tick(a.now.Add(time.Hour)))
}

// path names nodes from the origin to the subscriber.
func path(nodes ...int) []identity.Name {
	var p []identity.Name
	for _, i := range nodes {
		p = append(p, node(i))
	}
	return p
}

func subscribe(sub uint32, of, height int, nodes ...int) Send {
	p := path(nodes...)
	return Send{p[len(p)-2], wire.Subscribe{Room: "r", Sub: sub, Source: source(of), Height: height, Path: p}}
}

func update(to int, sub uint32, height int) Send {
	return Send{node(to), wire.Update{Room: "r", Sub: sub, Height: height}}
}

func unsubscribe(to int, sub uint32) Send {
	return Send{node(to), wire.Unsubscribe{Room: "r", Sub: sub}}
}

// TestPullHeights: more at once, less after two seconds, nothing after five.
func TestPullHeights(t *testing.T) {
	a := newAsking(t)
	a.check(a.want(1, 180))
	a.check(a.way(1, 1), subscribe(1, 1, 180, 1, 0))
	a.check(a.want(1, 180))
	a.check(a.want(1, 360), update(1, 1, 360))
	a.check(a.answer(1, 1, wire.CodeOK))
	a.quiet()
	a.check(a.want(1, 720), update(1, 1, 720))

	a.check(a.want(1, 180))
	a.now = a.now.Add(time.Second)
	a.check(a.want(1, 360)) // still less
	a.check(a.until(time.Second), update(1, 1, 360))
	a.quiet()
	a.check(a.want(1, 180))
	a.now = a.now.Add(time.Second)
	a.check(a.want(1, 360)) // as before
	a.quiet()

	a.check(a.want(1, 0))
	a.now = a.now.Add(4 * time.Second)
	a.check(a.want(1, 360)) // wanted again
	a.quiet()
	a.check(a.want(1, 0))
	a.check(a.want(1, 0))
	a.now = a.now.Add(3 * time.Second)
	a.check(a.want(1, 180)) // less than 360 for long enough
	a.check(a.Tick(a.now), update(1, 1, 180))
	a.quiet()
	a.check(a.want(1, 0))
	a.now = a.now.Add(time.Second)
	a.check(a.want(1, 0))
	a.check(a.until(4*time.Second), unsubscribe(1, 1))
	a.quiet()
	if got := a.Upstreams(); got != nil {
		t.Error(got)
	}
	a.check(a.want(1, 0))
	a.check(a.want(1, 90), subscribe(2, 1, 90, 1, 0))
	a.check(a.Forget(source(1)), unsubscribe(1, 2))
	a.check(a.Forget(source(1)))
	a.check(a.answer(1, 2, wire.CodeOK))
	a.quiet()
	a.check(a.Want(a.now, source(3), node(0), 90)) // our own
	a.quiet()
}

// TestMakeBeforeBreak: the old upstream is left when the new one sends.
func TestMakeBeforeBreak(t *testing.T) {
	a := newAsking(t)
	a.check(a.way(1, 1))
	a.check(a.want(1, 180), subscribe(1, 1, 180, 1, 0))
	a.check(a.Arrived(1)) // before the answer
	a.quiet()
	a.check(a.answer(1, 1, wire.CodeOK))
	a.check(a.way(1, 1))

	a.check(a.way(1, 2), subscribe(2, 1, 180, 1, 2, 0))
	if got := a.Upstreams(); !cmp.Equal(got, []Upstream{{source(1), path(1, 0), 180}}) {
		t.Error(got)
	}
	if !a.Relayed(source(1)) {
		t.Error("it will come by a relay")
	}
	a.check(a.Arrived(1)) // the old one goes on
	a.check(a.answer(2, 2, wire.CodeOK))
	a.check(a.want(1, 360), update(2, 2, 360))
	a.check(a.Arrived(2), unsubscribe(1, 1))
	if got := a.Upstreams(); !cmp.Equal(got, []Upstream{{source(1), path(1, 2, 0), 360}}) {
		t.Error(got)
	}
	a.check(a.Arrived(2))
	a.check(a.Arrived(1))
	a.quiet()

	a.check(a.way(1, 1), subscribe(3, 1, 360, 1, 0)) // nothing comes of it: muted
	a.check(a.answer(1, 3, wire.CodeOK))
	a.check(a.until(2*time.Second), unsubscribe(2, 2))
	a.quiet()

	a.check(a.way(1, 2), subscribe(4, 1, 360, 1, 2, 0))
	a.now = a.now.Add(time.Second)
	a.check(a.way(1, 3), subscribe(5, 1, 360, 1, 3, 0), unsubscribe(2, 4)) // two at most
	a.check(a.want(1, 720), update(3, 5, 720))
	a.check(a.way(1, 1), unsubscribe(3, 5), update(1, 3, 720)) // back to what is there
	a.quiet()

	// The source moves to another origin; the relay stays.
	a.check(a.way(1, 2), subscribe(6, 1, 720, 1, 2, 0))
	a.check(a.Arrived(6), unsubscribe(1, 3))
	a.ways[node(4)] = node(2)
	a.check(a.Want(a.now, source(1), node(4), 720), subscribe(7, 1, 720, 4, 2, 0))
	a.check(a.Arrived(7), unsubscribe(2, 6))
	a.check(a.Want(a.now, source(1), node(0), 720), unsubscribe(2, 7)) // to us
	a.quiet()
}

// TestRefused: another attempt follows, later each time; what there is is kept.
func TestRefused(t *testing.T) {
	a := newAsking(t)
	a.check(a.way(1, 1))
	a.check(a.want(1, 180), subscribe(1, 1, 180, 1, 0))
	for i, d := range []time.Duration{500 * ms, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		a.check(a.answer(1, uint32(i+1), wire.CodeBusy))
		a.check(a.want(1, 180)) // not sooner for being asked again
		a.check(a.way(1, 1))
		a.check(a.until(d), subscribe(uint32(i+2), 1, 180, 1, 0))
	}
	a.check(a.answer(1, 7, wire.CodeBusy))
	a.check(a.way(1, 2), subscribe(8, 1, 180, 1, 2, 0)) // at once by another way
	a.check(a.answer(2, 8, wire.CodeBusy))
	a.check(a.until(500*ms), subscribe(9, 1, 180, 1, 2, 0))
	a.check(a.answer(2, 9, wire.CodeOK))
	a.quiet()
	a.check(a.answer(2, 9, wire.CodeNoRoute)) // revoked
	a.check(a.until(500*ms), subscribe(10, 1, 180, 1, 2, 0))
	a.check(a.until(2*time.Second), unsubscribe(2, 10)) // no answer
	a.check(a.until(time.Second), subscribe(11, 1, 180, 1, 2, 0))
	a.check(a.Arrived(11))
	a.check(a.way(1, 1), subscribe(12, 1, 180, 1, 0))
	a.check(a.answer(1, 12, wire.CodeUnknownSource))
	if got := a.Upstreams(); !cmp.Equal(got, []Upstream{{source(1), path(1, 2, 0), 180}}) || !a.Relayed(source(1)) {
		t.Error(got)
	}
	a.check(a.want(1, 360), update(2, 11, 360))
	a.check(a.until(500*ms), subscribe(13, 1, 360, 1, 0))
	a.check(a.answer(2, 11, wire.CodeNoRoute)) // the old one ends
	a.check(a.answer(1, 13, wire.CodeOK))
	a.quiet()
	a.check(a.way(1, 2), subscribe(14, 1, 360, 1, 2, 0))
	a.check(a.answer(2, 14, wire.CodeBusy))
	a.check(a.way(1, 1)) // what it still has
	a.quiet()

	if _, err := a.Answer(a.now, node(2), wire.Subscribed{Room: "r", Sub: 13, Code: wire.CodeBusy}); err == nil {
		t.Error("another node answers")
	}
	a.quiet()
	a.check(a.way(1, 0)) // no way: it may be back in a moment
	a.quiet()
	a.check(a.answer(1, 13, wire.CodeBusy))
	a.quiet()
	a.check(a.way(1, 1), subscribe(15, 1, 360, 1, 0))
}

// TestPeerGone: what was subscribed over a connection ends with it.
func TestPeerGone(t *testing.T) {
	a := newAsking(t)
	a.check(a.way(1, 1))
	a.check(a.way(2, 2))
	a.check(a.want(1, 180), subscribe(1, 1, 180, 1, 0))
	a.check(a.want(2, 180), subscribe(2, 2, 180, 2, 0))
	for sub := range uint32(2) {
		a.check(a.Arrived(sub + 1))
	}
	gone := func(i int) []Send { return a.PeerGone(a.now, node(i)) }
	a.check(gone(3))
	a.check(gone(1)) // and is not asked again before it is back
	a.check(a.want(1, 360))
	a.quiet()
	if _, ok := a.Source(node(1), 1); ok {
		t.Error("its media is taken")
	}
	a.check(a.way(1, 1), subscribe(3, 1, 360, 1, 0))
	a.check(a.Arrived(3))
	a.ways[node(1)] = node(2)
	a.check(gone(1), subscribe(4, 1, 360, 1, 2, 0))
	a.check(a.Arrived(4))
	a.check(a.way(1, 1), subscribe(5, 1, 360, 1, 0))
	a.check(gone(1)) // the new one: back to the old
	a.quiet()
	a.check(a.want(1, 720), update(2, 4, 720))
	a.check(a.way(1, 1), subscribe(6, 1, 720, 1, 0))
	a.check(gone(2)) // the old one
	a.check(a.answer(1, 6, wire.CodeOK))
	a.quiet()
	a.check(a.way(2, 2), subscribe(7, 2, 180, 2, 0))

	a.check(a.want(1, 0)) // nobody wants it: nothing new is asked
	a.check(gone(1))
	a.check(a.Reroute(a.now, a.via))
	a.check(a.want(1, 90), subscribe(8, 1, 720, 1, 0))
	a.check(a.Close(), unsubscribe(1, 8), unsubscribe(2, 7))
	a.quiet()
}

// TestSource: media counts only when it comes from where it was asked for.
func TestSource(t *testing.T) {
	a := newAsking(t)
	a.way(1, 1)
	a.way(2, 2)
	a.want(1, 180)
	a.want(2, 180)
	a.way(1, 2)
	for _, c := range []struct {
		from   int
		sub    uint32
		source int
	}{{1, 1, 1}, {2, 2, 2}, {2, 3, 1}, {2, 1, 0}, {1, 2, 0}, {1, 3, 0}, {1, 4, 0}, {1, 0, 0}} {
		got, ok := a.Source(node(c.from), c.sub)
		if ok != (c.source > 0) || ok && got != source(c.source) {
			t.Errorf("%+v: %s, %v", c, got, ok)
		}
	}
}
