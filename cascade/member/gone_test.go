package member

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestCrashIsNoticed(t *testing.T) {
	for _, size := range []int{3, 10, many()} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			in(t, 1, func(w *world) {
				nodes := w.cluster(size)
				victim, rest := nodes[size/2], slices.Delete(slices.Clone(nodes), size/2, size/2+1)
				time.Sleep(30 * time.Second)
				victim.crash()
				took := w.within(20*time.Second, "a crash is noticed by all", one(rest...))
				if took < 2*time.Second {
					t.Errorf("noticed after %v: was it said?", took)
				}
				for _, n := range rest {
					if !slices.Equal(n.sees(Dead), names(victim)) {
						t.Errorf("dead %v", n.sees(Dead))
					}
				}
				if size > 3 {
					return
				}
				time.Sleep(9 * time.Minute)
				if got := rest[0].sees(Dead); len(got) != 1 {
					t.Errorf("after 9 minutes: dead %v", got)
				}
				time.Sleep(3 * time.Minute)
				if got := rest[0].sees(Dead); len(got) > 0 {
					t.Errorf("after 12 minutes: dead %v", got)
				}
				time.Sleep(20 * time.Minute)
				rest[0].list.table.mu.Lock()
				defer rest[0].list.table.mu.Unlock()
				if kept := len(rest[0].list.table.members); kept != size-2 {
					t.Errorf("%d entries kept, want %d", kept, size-2)
				}
			})
		})
	}
}

func TestLeaveIsSeenAtOnce(t *testing.T) {
	for _, size := range []int{2, 10, many()} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			in(t, 1, func(w *world) {
				nodes := w.cluster(size)
				leaver, rest := nodes[1], slices.Delete(slices.Clone(nodes), 1, 2)
				time.Sleep(30 * time.Second)
				start := time.Now()
				if err := leaver.list.Leave(3 * time.Second); err != nil {
					t.Errorf("leave: %v", err)
				}
				t.Logf("leaving took %v", time.Since(start))
				leaver.stop()
				w.within(time.Second, "everybody knows", func() bool {
					return !slices.ContainsFunc(rest, func(n *node) bool { return !slices.Equal(n.sees(Left), names(leaver)) })
				})
				time.Sleep(5 * time.Minute)
				for _, n := range rest {
					if len(n.sees(Dead)) > 0 || !slices.Equal(n.sees(Left), names(leaver)) {
						t.Fatalf("left %v, dead %v", n.sees(Left), n.sees(Dead))
					}
				}
				leaver.start(func(c *Config) { c.Join = []string{nodes[0].address()} })
				w.within(10*time.Second, "it comes back", one(nodes...))
			})
		})
	}
}

func TestLeaveAlone(t *testing.T) {
	in(t, 1, func(w *world) {
		n := w.add()
		start := time.Now()
		if err := n.list.Leave(3 * time.Second); err != nil || time.Since(start) > 0 {
			t.Errorf("leaving alone: %v after %v", err, time.Since(start))
		}
		if err := n.list.Leave(time.Second); err != nil {
			t.Errorf("leaving twice: %v", err)
		}
		if err := n.list.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := n.list.Leave(time.Second); err != nil {
			t.Errorf("leaving after the end: %v", err)
		}
	})
}
