package member

import (
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

func TestAnotherSecretIsRefusedOnBothSides(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(3)
		stranger := w.prepare("10.9.9.9")
		stranger.start(func(c *Config) {
			c.Secret = identity.NewSecret()
			c.Join = []string{nodes[0].address(), nodes[1].address()}
		})
		time.Sleep(3*time.Minute + 30*time.Second)
		if !slices.Equal(stranger.sees(Alive), names(stranger)) || len(stranger.list.Members()) != 1 {
			t.Errorf("the stranger has members %v", stranger.list.Members())
		}
		if !one(nodes...)() {
			t.Error("the cluster is not what it was")
		}
		if got := stranger.lines.with("speaks with another secret", "addr=10.0."); len(got) != 4 {
			t.Errorf("%d lines in 3.5 minutes, want 4: %q", len(got), got)
		}
		if got := stranger.lines.with("does not answer"); len(got) > 0 {
			t.Errorf("and %q", got)
		}
		stranger.stop()
		time.Sleep(5 * time.Second)
		for _, n := range nodes {
			if len(n.list.Members()) != 3 {
				t.Errorf("members %v", n.list.Members())
			}
			w.within(5*time.Second, "no stream is left", func() bool { return streams(n) == 0 })
		}
		for _, n := range nodes[:2] {
			if got := n.lines.with("speaks with another secret", "addr=10.9.9.9:"); len(got) != 4 {
				t.Errorf("%d lines in 3.5 minutes, want 4: %q", len(got), got)
			}
		}
		if got := nodes[2].lines.with("another secret"); len(got) > 0 {
			t.Errorf("the node that was not asked says %q", got)
		}
	})
}

// TestPacketsOfAnotherSecretAreDropped turns a member's memory of an address against it: a node with another secret is there now.
func TestPacketsOfAnotherSecretAreDropped(t *testing.T) {
	in(t, 1, func(w *world) {
		nodes := w.cluster(3)
		nodes[2].stop()
		nodes[2].start(func(c *Config) { c.Secret = identity.NewSecret() })
		w.within(15*time.Second, "who changed its secret is no member", func() bool { return one(nodes[:2]...)() && one(nodes[2])() })
		if got := nodes[2].lines.with("speaks with another secret", "addr=10.0."); len(got) != 1 {
			t.Errorf("lines %q", got)
		}
		time.Sleep(2 * time.Minute)
		if !one(nodes[:2]...)() || !one(nodes[2])() {
			t.Error("not so two minutes later")
		}
	})
}

func TestNoSecretIsNoStart(t *testing.T) {
	in(t, 1, func(w *world) {
		n := w.prepare("10.0.0.1")
		if _, err := Start(n.config(func(c *Config) { c.Secret = identity.Secret{} })); err == nil {
			t.Error("no error")
		}
	})
}

// streams returns how many streams a node has open.
func streams(n *node) int {
	t := n.list.transport
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.streams) + len(t.waiting)
}
