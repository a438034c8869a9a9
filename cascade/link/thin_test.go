package link

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// TestThinLink sends 2 Mbit/s of video and 40 kbit/s of audio over 1 Mbit/s: video goes by class, audio arrives, in time.
func TestThinLink(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.net.Connect(a.host, b.host, simnet.Link{Delay: 40 * time.Millisecond, Rate: 1_000_000, Queue: 30_000})
		r.mesh(true, true)
		r.linked(2*time.Second, a, b)
		time.Sleep(time.Second)
		video, audio := make([]byte, 1200), make([]byte, 100)
		const seconds = 20
		for i := range seconds * 100 {
			for j := range 2 {
				class := Video
				if (i+j)%2 == 0 {
					class = Discardable
				}
				if i%6 == 0 && j == 0 {
					class = Speaker
				}
				a.e.SendMedia(b.name(), class, video)
			}
			if i%2 == 0 {
				audio[0] = byte(i)
				a.e.SendMedia(b.name(), Audio, audio)
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		got := a.report(b)
		t.Logf("sent %v, dropped %v, received %v", got.Sent, got.Dropped, b.report(a).Received)
		heard := 0
		for _, m := range b.packets() {
			if len(m) == len(audio) {
				heard++
			}
		}
		t.Logf("audio: %d of %d", heard, seconds*50)
		if heard < seconds*50*97/100 {
			t.Error("audio is lost")
		}
		if got.Dropped[Discardable].Packets == 0 || got.Dropped[Audio].Packets > 10 {
			t.Error("dropped the wrong things")
		}
		if !a.linked(b) || !got.Alive {
			t.Error("the link did not last")
		}
	})
}

// TestOverflow has a peer that reads nothing.
func TestOverflow(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, false)
		r.linked(2*time.Second, a, b)
		wait := make(chan struct{})
		b.mu.Lock()
		b.on = func(_ identity.Name, _ wire.Frame) { <-wait } // forbidden, but so it looks
		b.mu.Unlock()
		note := wire.Note{Room: "r", From: "00000001", JSON: make([]byte, 200<<10)}
		sent := 0
		for a.e.Send(b.name(), 1, note) {
			if sent++; sent > 200 {
				t.Fatal("there is no end to what waits")
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("%d frames, %d MiB", sent, sent*200>>10)
		if sent*200<<10 < maxQueued {
			t.Error("closed too early")
		}
		within(t, time.Second, "end", func() bool { return !a.linked(b) })
		if said := a.said(); said[len(said)-1] != "down: more than 8388608 bytes wait to be sent" {
			t.Errorf("%q", said)
		}
		close(wait)
		r.linked(5*time.Second, a, b)
	})
}

// TestFullLaneHoldsUpNoOther has a reader of one lane stand still.
func TestFullLaneHoldsUpNoOther(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, false)
		r.linked(2*time.Second, a, b)
		wait := make(chan struct{})
		b.mu.Lock()
		b.on = func(_ identity.Name, f wire.Frame) {
			if _, ok := f.(wire.Note); ok {
				<-wait
			}
		}
		b.mu.Unlock()
		for range 20 {
			if !a.e.Send(b.name(), 1, wire.Note{Room: "r", From: "00000001", JSON: make([]byte, 200<<10)}) {
				t.Fatal("not sent")
			}
		}
		time.Sleep(2 * time.Second)
		before := b.got()
		if !a.e.Send(b.name(), 2, wire.Claim{Room: "r"}) {
			t.Fatal("not sent")
		}
		within(t, 200*time.Millisecond, "a frame on another lane", func() bool { return b.got() == before+1 })
		close(wait)
		within(t, 10*time.Second, "the rest", func() bool { return b.got() == 21 })
	})
}
