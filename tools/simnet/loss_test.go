package simnet

import (
	"math"
	"testing"
	"time"
)

// lose sends packets with 5 % loss and returns which arrived.
func lose(t *testing.T, seed uint64, count int) (arrived []bool, stats Stats) {
	in(t, seed, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.SetLink(a, b, Link{Delay: time.Millisecond, Loss: 0.05})
		ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
		arrived = make([]bool, count)
		for i := range count {
			sendTo(t, ca, cb.LocalAddr(), []byte{byte(i), byte(i >> 8)})
		}
		for _, p := range collect(t, cb, time.Second) {
			arrived[int(p.data[0])|int(p.data[1])<<8] = true
		}
		stats = n.Stats(a, b)
	})
	return arrived, stats
}

func TestLoss(t *testing.T) {
	const count, seed = 20000, 4711
	first, stats := lose(t, seed, count)
	mean, deviation := 0.05*count, math.Sqrt(count*0.05*0.95)
	if lost := float64(stats.Lost); math.Abs(lost-mean) > 4*deviation {
		t.Errorf("%v lost, want %v within %v", lost, mean, 4*deviation)
	}
	if stats.Sent != count || stats.Delivered+stats.Lost != count {
		t.Errorf("%+v", stats)
	}
	same := func(other []bool) bool {
		for i := range first {
			if first[i] != other[i] {
				return false
			}
		}
		return true
	}
	if second, _ := lose(t, seed, count); !same(second) {
		t.Error("the same seed lost other packets")
	}
	if other, _ := lose(t, seed+1, count); same(other) {
		t.Error("another seed lost the same packets")
	}
}

func TestDirectionsDrawApart(t *testing.T) {
	// What b sends must not change what a loses.
	run := func(noise bool) (lost uint64) {
		in(t, 3, func(t *testing.T, n *Network) {
			a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
			n.Connect(a, b, Link{Loss: 0.5})
			ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
			for range 1000 {
				sendTo(t, ca, cb.LocalAddr(), []byte("x"))
				if noise {
					sendTo(t, cb, ca.LocalAddr(), []byte("x"))
				}
			}
			lost = n.Stats(a, b).Lost
		})
		return lost
	}
	in(t, 3, func(t *testing.T, n *Network) {
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		n.Connect(a, b, Link{Loss: 0.5})
		ca, cb := packets(t, a, ":1"), packets(t, b, ":1")
		alike := 0
		for range 1000 {
			sendTo(t, ca, cb.LocalAddr(), []byte("x"))
			sendTo(t, cb, ca.LocalAddr(), []byte("x"))
			if n.Stats(a, b).Lost == n.Stats(b, a).Lost {
				alike++
			}
		}
		if alike == 1000 {
			t.Error("both directions lose the same packets")
		}
	})
	if quiet, noisy := run(false), run(true); quiet != noisy {
		t.Errorf("%d lost alone, %d with traffic the other way", quiet, noisy)
	}
}
