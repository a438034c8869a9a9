package sfu

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTheLeafFollowsTheOrigin: the origin chooses the encoding by what is wanted anywhere, and the leaf goes along, up and
// down, whatever its own clients' heights are.
func TestTheLeafFollowsTheOrigin(t *testing.T) {
	m, a, _, bs := two(t, 3, 2)
	at := m.sites[0].join(2, 1)
	at.want(-1, 180)
	last := func(p *person) byte {
		m.play(a, 2*time.Second, 0, 1, 2)
		ssrc, _ := p.ssrc(a.camera())
		got := seen(t, p.wire.take(t), ssrc, 0)
		return got[len(got)-1].layer
	}
	for i, step := range []struct {
		local, one, other int
		want              byte
	}{
		{180, 720, 180, 2}, {180, 180, 180, 0}, {360, 180, 180, 1}, {180, 180, 360, 1}, {720, 180, 0, 2}, {0, 0, 180, 0}, {0, 360, 0, 1},
	} {
		at.want(-1, step.local)
		bs[0].want(-1, step.one)
		bs[1].want(-1, step.other)
		p := bs[0]
		if step.one == 0 {
			p = bs[1]
		}
		if got := last(p); got != step.want {
			t.Errorf("step %d: encoding %d, want %d", i, got, step.want)
		}
		at.wire.take(t)
		bs[0].wire.take(t)
		bs[1].wire.take(t)
	}
	r := m.sites[1].room.Report(m.now)
	if r[1].Name != a.camera() || r[1].Forwarded != 1 || r[1].Height != 360 {
		t.Errorf("%+v", r[1])
	}
}

// TestALostStartOfASwitch: the packet that the origin switched with never reaches the leaf, which asks for another key
// frame.
func TestALostStartOfASwitch(t *testing.T) {
	m, a, c, bs := two(t, 3, 1)
	bs[0].want(-1, 180)
	m.play(a, 2*time.Second, 0, 1, 2)
	bs[0].wire.take(t)
	bs[0].want(-1, 720)
	m.wait(100 * time.Millisecond)
	key := a.frame(2, true)
	c.cut = true
	a.send(key[0])
	c.cut = false
	a.send(key[1:]...)
	a.wire.plis(t) // what was asked for was sent
	start := m.now
	var took time.Duration
	for took == 0 && m.now.Sub(start) < 2*time.Second {
		m.play(a, 40*time.Millisecond, 2)
		for _, p := range bs[0].wire.take(t) {
			if p.layer == 2 {
				took = m.now.Sub(start)
			}
		}
	}
	// 40 ms there, 40 ms until it is clear, 40 ms back, a frame, 40 ms there, and ticks.
	if took == 0 || took > 300*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

// TestStartsOutOfOrder: the beginnings of key frames of all encodings arrive in any order; the leaf ends at the one that
// the origin ended at.
func TestStartsOutOfOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, a, c, bs := two(t, 3, 1)
		c.jitter = time.Duration(rapid.IntRange(0, 38).Draw(rt, "jitter")) * time.Millisecond
		for range rapid.IntRange(1, 6).Draw(rt, "switches") {
			bs[0].want(-1, rapid.SampledFrom([]int{180, 360, 720}).Draw(rt, "height"))
			m.wait(120 * time.Millisecond)
			a.film(true, 0, 1, 2)
			m.play(a, time.Duration(rapid.IntRange(1, 20).Draw(rt, "for"))*40*time.Millisecond, 0, 1, 2)
			a.film(true, 0, 1, 2)
		}
		m.wait(120 * time.Millisecond)
		asked := c.plis
		for range 6 {
			a.film(false, 0, 1, 2)
			m.wait(40 * time.Millisecond)
		}
		s, r := m.sites[0].room.sources[a.camera()], m.sites[1].room.sources[a.camera()]
		if s.current != r.current {
			rt.Fatalf("origin at %d, leaf at %d", s.current, r.current)
		}
		if c.plis != asked {
			rt.Fatalf("%d key frames asked for because of order", c.plis-asked)
		}
		ssrc, _ := bs[0].ssrc(a.camera())
		seen(rt, bs[0].wire.take(t), ssrc, 1<<16)
	})
}

// TestContinuousAcrossALink is TestContinuousOverEverything for a client behind a link that loses, doubles, delays and
// breaks.
func TestContinuousAcrossALink(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, a, c, bs := two(t, 3, 1)
		sending := []int{0, 1, 2}
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 8).Draw(rt, "event") {
			case 0:
				bs[0].want(-1, rapid.SampledFrom([]int{0, 90, 180, 360, 720, -1}).Draw(rt, "height"))
			case 1:
				sending = rapid.SampledFrom([][]int{{0, 1, 2}, {0, 1}, {0}, {2}, {1, 2}}).Draw(rt, "sending")
			case 2:
				c.loss = rapid.SampledFrom([]float64{0, 0.02, 0.3}).Draw(rt, "loss")
			case 3:
				c.twice = rapid.SampledFrom([]float64{0, 0.5}).Draw(rt, "twice")
			case 4:
				c.jitter = time.Duration(rapid.IntRange(0, 100).Draw(rt, "jitter")) * time.Millisecond
			case 5:
				c.cut = rapid.Bool().Draw(rt, "cut")
			case 6:
				a.seq[rapid.IntRange(0, 2).Draw(rt, "jump")] += uint16(rapid.IntRange(4000, 60_000).Draw(rt, "by"))
			}
			m.play(a, 80*time.Millisecond, sending...)
		}
		c.cut, c.loss = false, 0
		bs[0].want(-1, 720)
		m.play(a, 3*time.Second, 0, 1, 2)
		m.wait(300 * time.Millisecond)
		got := bs[0].wire.take(t)
		clean(rt, got)
		ssrc, _ := bs[0].ssrc(a.camera())
		all := seen(rt, got, ssrc, 1<<16)
		// The last second is whole.
		tail := all[len(all)-60:]
		seen(rt, tail, ssrc, 0)
		s, r := m.sites[0].room.sources[a.camera()], m.sites[1].room.sources[a.camera()]
		if int(tail[0].layer) != s.current || r.current != s.current {
			rt.Fatalf("encoding %d at the end, origin at %d, leaf at %d", tail[0].layer, s.current, r.current)
		}
		if r.layers[r.current].missing.Any() {
			rt.Fatal("something is missing still")
		}
	})
}
