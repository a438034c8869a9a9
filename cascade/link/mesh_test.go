package link

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/wire"
)

// TestFullMesh links ten nodes with each other, uses every link, and prints what an idle one costs.
func TestFullMesh(t *testing.T) {
	in(t, 10, func(t *testing.T, r *rig) {
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		r.mesh(true, false)
		took := r.linked(5*time.Second, r.nodes...)
		links := len(r.nodes) * (len(r.nodes) - 1) / 2
		time.Sleep(2 * time.Second)
		for _, a := range r.nodes {
			for _, b := range r.nodes {
				if a == b {
					continue
				}
				if !a.e.Send(b.name(), 1, wire.Claim{Room: "r"}) || !a.e.SendMedia(b.name(), Audio, []byte("x")) {
					t.Fatal("not sent")
				}
			}
		}
		within(t, time.Second, "frames and media", func() bool {
			for _, n := range r.nodes {
				if n.got() != len(r.nodes)-1 || n.heardMedia() != len(r.nodes)-1 {
					return false
				}
			}
			return true
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		runtime.GC()
		var after runtime.MemStats
		runtime.ReadMemStats(&after)
		t.Logf("%d links after %v; for each end of a link %d bytes of heap, %.1f goroutines", links, took,
			(after.HeapAlloc-before.HeapAlloc)/uint64(2*links), float64(runtime.NumGoroutine())/float64(2*links))
		packets, bytes := r.traffic()
		const minutes = 5
		time.Sleep(minutes * time.Minute)
		morePackets, moreBytes := r.traffic()
		each := float64(2 * links * minutes * 60)
		t.Logf("an idle link: %.2f packets and %.0f bytes a second in each direction", float64(morePackets-packets)/each, float64(moreBytes-bytes)/each)
		if each := float64(moreBytes-bytes) / each; each > 150 {
			t.Error("dear")
		}
		for _, n := range r.nodes {
			if got := n.said(); len(got) != 2*(len(r.nodes)-1) {
				t.Errorf("%d events", len(got))
			}
			if n.logged() != "" {
				t.Errorf("log %q", n.logged())
			}
		}
	})
}

// traffic returns what arrived in all directions.
func (r *rig) traffic() (packets, bytes uint64) {
	for _, a := range r.nodes {
		for _, b := range r.nodes {
			if a != b {
				s := r.net.Stats(a.host, b.host)
				packets += s.Delivered
				bytes += s.Bytes
			}
		}
	}
	return packets, bytes
}

// TestHeartbeatsAlone prints what a pair of members costs that has no link.
func TestHeartbeatsAlone(t *testing.T) {
	for name, media := range map[string]bool{"slow": false, "fast": true} {
		t.Run(name, func(t *testing.T) {
			in(t, 2, func(t *testing.T, r *rig) {
				r.mesh(false, media)
				time.Sleep(10 * time.Second)
				packets, bytes := r.traffic()
				time.Sleep(time.Minute)
				morePackets, moreBytes := r.traffic()
				rate := float64(morePackets-packets) / 120
				t.Logf("%.1f packets and %.0f bytes a second in each direction", rate, float64(moreBytes-bytes)/120)
				if want := map[bool]float64{false: 1, true: 50}[media]; rate < 0.9*want || rate > 1.1*want {
					t.Errorf("%v heartbeats a second", rate)
				}
			})
		})
	}
}

// TestOldAndNewVersion links a node with one of the version before.
func TestOldAndNewVersion(t *testing.T) {
	for which := range 2 {
		in(t, 2, func(t *testing.T, r *rig) {
			old, now := r.nodes[which], r.nodes[1-which]
			old.stop()
			old.oldest, old.newest = 1, 1
			old.start()
			r.mesh(true, false)
			r.linked(2*time.Second, old, now)
			state := wire.LinkState{Seq: 1, Rows: []wire.LinkRow{{Node: old.name(), RTT: time.Millisecond, Loss: 7, Up: true}}}
			if !old.e.Send(now.name(), 0, state) || !now.e.Send(old.name(), 0, state) {
				t.Fatal("not sent")
			}
			within(t, time.Second, "frames", func() bool { return old.got() == 1 && now.got() == 1 })
			for _, n := range r.nodes {
				if f := n.letters()[0].(wire.LinkState); f.Rows[0].Loss != 0 || f.Rows[0].RTT != time.Millisecond {
					t.Errorf("%+v: version 1 has no loss", f)
				}
			}
			if got, want := now.report(old).FramesOut.Bytes, len(wire.AppendFramed(nil, state, 1)); got != uint64(want) {
				t.Errorf("%d bytes were sent, version 1 has %d", got, want)
			}
			if old.report(now).Version != 1 || now.report(old).Version != 1 {
				t.Error("another version is spoken")
			}
		})
	}
}

// TestDays lets a link and certificates grow old.
func TestDays(t *testing.T) {
	if testing.Short() {
		t.Skip("days of heartbeats are minutes under the race detector; the plain run has them")
	}
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, false)
		r.linked(2*time.Second, a, b)
		for range 2 {
			first, _ := a.e.leaf.at(time.Now())
			time.Sleep(13 * time.Hour)
			if next, _ := a.e.leaf.at(time.Now()); !next.Leaf.NotAfter.After(first.Leaf.NotAfter) {
				t.Error("the certificate was not renewed")
			}
			if !a.linked(b) {
				t.Error("the link is down")
			}
			a.knows(true, false)
			time.Sleep(time.Second)
			a.knows(true, false, b)
			r.linked(2*time.Second, a, b)
		}
	})
}
