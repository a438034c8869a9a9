package simnet

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestBooksBalance sends at random over random links and holds the statistics against what was sent and read.
func TestBooksBalance(t *testing.T) {
	type step struct {
		wait time.Duration
		size int
		link Link
		cut  bool
	}
	links := rapid.Custom(func(t *rapid.T) Link {
		return Link{
			Delay:   time.Duration(rapid.IntRange(0, 50).Draw(t, "delay")) * time.Millisecond,
			Jitter:  time.Duration(rapid.IntRange(0, 50).Draw(t, "jitter")) * time.Millisecond,
			Reorder: rapid.Bool().Draw(t, "reorder"),
			Loss:    rapid.Float64Range(0, 1).Draw(t, "loss"),
			Rate:    int64(rapid.IntRange(0, 1_000_000).Draw(t, "rate")),
			Queue:   rapid.IntRange(0, 5000).Draw(t, "queue"),
			MTU:     rapid.IntRange(0, 1500).Draw(t, "mtu"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{
				time.Duration(rapid.IntRange(0, 20).Draw(t, "wait")) * time.Millisecond,
				rapid.IntRange(0, 1600).Draw(t, "size"), links.Draw(t, "link"), rapid.IntRange(0, 5).Draw(t, "cut") == 0,
			}
		}), 1, 40).Draw(rt, "steps")
		problem := ""
		synctest.Test(t, func(t *testing.T) {
			n := New(seed)
			defer n.Close()
			a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
			ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
			for i, s := range steps {
				n.SetLink(a, b, s.link)
				if s.cut {
					n.Cut(a, b)
				}
				sendTo(t, ca, cb.LocalAddr(), append([]byte{byte(i)}, make([]byte, s.size)...))
				n.Heal()
				time.Sleep(s.wait)
			}
			last := -1
			got := collect(t, cb, 1000*time.Hour)
			for _, p := range got {
				if int(p.data[0]) < last && !reorders(steps, func(s step) Link { return s.link }) {
					problem = "out of order"
				}
				last = int(p.data[0])
			}
			s := n.Stats(a, b)
			if s.Sent != uint64(len(steps)) || s.Delivered != uint64(len(got)) ||
				s.Sent != s.Delivered+s.Lost+s.Queue+s.Cut+s.TooLarge+s.Filtered+s.Unheard {
				problem = "the books do not balance"
			}
		})
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

func reorders[S any](steps []S, link func(S) Link) bool {
	for _, s := range steps {
		if link(s).Reorder {
			return true
		}
	}
	return false
}
