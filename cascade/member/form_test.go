package member

import (
	"fmt"
	"testing"
	"time"
)

func TestNodesFormOneCluster(t *testing.T) {
	for _, size := range []int{2, 10, many()} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%d/%d", size, seed), func(t *testing.T) {
				in(t, seed, func(w *world) { w.cluster(size) })
			})
		}
	}
}

func TestTwoNodesThatNameEachOtherStartAtOnce(t *testing.T) {
	in(t, 1, func(w *world) {
		a, b := w.prepare("10.0.1.1"), w.prepare("10.0.2.1")
		a.start(func(c *Config) { c.Join = []string{b.address()} })
		b.start(func(c *Config) { c.Join = []string{a.address()} })
		w.within(10*time.Second, "they are one cluster", one(a, b))
	})
}
