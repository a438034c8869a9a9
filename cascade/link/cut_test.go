package link

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// TestShortCut cuts a link that carries media for two seconds: it is dead at once, the connections stay, and frames and media
// go on at once when it is healed, although QUIC's own timers have backed off.
func TestShortCut(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, true)
		r.linked(5*time.Second, a, b)
		time.Sleep(5 * time.Second)
		a.said()
		b.said()
		r.cutPair(a, b, true)
		dead := within(t, time.Second, "death", func() bool { return !a.report(b).Alive && !b.report(a).Alive })
		if dead > 150*time.Millisecond { // 40 ms under way, 80 ms of silence, and what is left of the pace
			t.Errorf("dead after %v", dead)
		}
		for range 20 {
			a.e.Send(b.name(), 1, wire.Claim{Room: "r"})
			a.e.SendMedia(b.name(), Audio, []byte("lost"))
			time.Sleep(100 * time.Millisecond)
		}
		frames, media := b.got(), b.heardMedia()
		r.cutPair(a, b, false)
		alive := within(t, time.Second, "life", func() bool { return a.report(b).Alive && b.report(a).Alive })
		got := within(t, time.Second, "frames", func() bool { return b.got() >= frames+20 })
		moved := within(t, time.Second, "media", func() bool {
			a.e.SendMedia(b.name(), Audio, []byte("new"))
			return b.heardMedia() > media && slices.Contains(b.packets(), "new")
		})
		t.Logf("dead after %v; healed: alive after %v, frames after %v more, media after %v more", dead, alive, got, moved)
		if alive > 250*time.Millisecond || got > 250*time.Millisecond || moved > 500*time.Millisecond {
			t.Error("slow")
		}
		if diff := cmp.Diff([]string{"dead", "alive"}, a.said()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestLongCut cuts a link until QUIC gives up.
func TestLongCut(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, false)
		r.linked(5*time.Second, a, b)
		time.Sleep(time.Second)
		r.cutPair(a, b, true)
		down := within(t, 30*time.Second, "down", func() bool { return !a.linked(b) && !b.linked(a) })
		time.Sleep(time.Minute)
		r.cutPair(a, b, false)
		up := r.linked(5*time.Second, a, b)
		within(t, time.Second, "life", func() bool { return a.report(b).Alive })
		t.Logf("down after %v, up %v after healing", down, up)
		if down < 10*time.Second || down > 21*time.Second || up > 1800*time.Millisecond {
			t.Error("too early or too late")
		}
		want := []string{"alive", "up", "dead", "down: nothing heard for 15s"} // then both, in either order
		if diff := cmp.Diff(want, a.said()[:4]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLossyLink(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.net.Connect(a.host, b.host, simnet.Link{Delay: 40 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.1})
		r.mesh(true, true)
		took := r.linked(10*time.Second, a, b)
		for i := range 200 {
			if !a.e.Send(b.name(), uint8(i%wire.Lanes), wire.Claim{Room: "r", ID: uint64(i)}) {
				t.Fatal("not sent")
			}
			time.Sleep(10 * time.Millisecond)
		}
		within(t, 20*time.Second, "all frames", func() bool { return b.got() == 200 })
		last := map[uint8]uint64{}
		for _, f := range b.letters() { // each lane in order
			id := f.(wire.Claim).ID
			lane := uint8(id % wire.Lanes)
			if l, ok := last[lane]; ok && id != l+wire.Lanes {
				t.Fatalf("lane %d: %d after %d", lane, id, l)
			}
			last[lane] = id
		}
		time.Sleep(20 * time.Second)
		loss := a.report(b).Loss
		t.Logf("link after %v, loss %.2f", took, loss)
		if loss < 0.04 || loss > 0.2 {
			t.Errorf("loss %v", loss)
		}
		if slices.ContainsFunc(b.said(), func(s string) bool { return strings.HasPrefix(s, "down") }) {
			t.Error("the link broke")
		}
	})
}

func TestRestart(t *testing.T) {
	for name, which := range map[string]int{"of the one that dials": 0, "of the other": 1} {
		t.Run(name, func(t *testing.T) {
			in(t, 2, func(t *testing.T, r *rig) {
				a, b := r.nodes[0], r.nodes[1]
				r.mesh(true, false)
				r.linked(5*time.Second, a, b)
				time.Sleep(3 * time.Second)
				again, stays := r.nodes[which], r.nodes[1-which]
				stays.said()
				again.restart()
				again.knows(true, false, stays)
				took := r.linked(10*time.Second, a, b)
				within(t, time.Second, "life", func() bool { return a.report(b).Alive && b.report(a).Alive })
				said := stays.said()
				t.Logf("right after %v: %q", took, said)
				if took > 2*time.Second {
					t.Error("slow")
				}
				if n := len(slices.DeleteFunc(slices.Clone(said), func(s string) bool { return !strings.HasPrefix(s, "down") })); n != 1 {
					t.Errorf("%d links went down", n)
				}
				if !a.e.Send(b.name(), 0, wire.Claim{Room: "r"}) || !b.e.Send(a.name(), 0, wire.Claim{Room: "r"}) {
					t.Error("not sent")
				}
				within(t, time.Second, "frames", func() bool { return a.got() == 1 && b.got() == 1 })
				time.Sleep(30 * time.Second)
				synctest.Wait()
				if !a.linked(b) || !b.linked(a) {
					t.Error("does not last")
				}
			})
		})
	}
}

// TestCutWhileBusy cuts a link that is full of media and frames, long enough for QUIC's timers to back off to several seconds.
func TestCutWhileBusy(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, true)
		r.linked(5*time.Second, a, b)
		time.Sleep(5 * time.Second)
		r.cutPair(a, b, true)
		const frames = 20
		for range frames {
			a.e.Send(b.name(), 1, wire.Claim{Room: "r"})
			for range 20 {
				a.e.SendMedia(b.name(), Video, make([]byte, 1200))
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(5500 * time.Millisecond)
		r.cutPair(a, b, false)
		within(t, time.Second, "life", func() bool { return a.report(b).Alive && b.report(a).Alive })
		got := within(t, 300*time.Millisecond, "frames", func() bool { return b.got() == frames })
		media := b.heardMedia()
		const packets = 100
		moved := within(t, 500*time.Millisecond, "media", func() bool {
			for range packets {
				a.e.SendMedia(b.name(), Speaker, make([]byte, 1200))
				time.Sleep(time.Millisecond)
			}
			return b.heardMedia() >= media+packets/2
		})
		t.Logf("after it came alive: frames after %v, media after %v", got, moved)
	})
}

// TestMediaIsHeard has the heartbeats of one side fail while its media arrives.
func TestMediaIsHeard(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, true)
		r.linked(5*time.Second, a, b)
		time.Sleep(time.Second)
		b.said()
		a.mute.Store(true)
		for range 200 {
			a.e.SendMedia(b.name(), Audio, []byte("x"))
			time.Sleep(20 * time.Millisecond)
		}
		synctest.Wait()
		if said := b.said(); len(said) != 0 {
			t.Errorf("%q while media comes", said)
		}
		time.Sleep(150 * time.Millisecond)
		synctest.Wait()
		if diff := cmp.Diff([]string{"dead"}, b.said()); diff != "" {
			t.Error(diff)
		}
	})
}
