package node

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// TestDrain drains a node with four participants: two who follow an ICE restart, one who does not know what that is and is
// invited anew, one without media. Nobody leaves in anybody's roster, and everybody hears everybody afterwards.
func TestDrain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	first, second := startTwo(ctx, t)
	departures := make(chan string, 16)
	watch := func(c *participant.Config) { c.OnRaw = leaves(departures) }
	a := join(ctx, t, first.url(), "a", 1000, watch)
	b := join(ctx, t, first.url(), "b", 2000, watch)
	old := join(ctx, t, first.url(), "old", 3000, watch, func(c *participant.Config) { c.Old = true })
	quiet := join(ctx, t, first.url(), "quiet", 4000, watch, func(c *participant.Config) { c.SignallingOnly = true })
	for _, g := range []*guest{a, b, old} {
		g.talk(ctx, t)
	}
	for _, g := range []*guest{a, b, old} {
		eventually(ctx, t, "media before the drain", g.received(4, 30))
	}
	for _, g := range []*guest{a, b, old} {
		g.ear.silence()
	}
	all := []*guest{a, b, old, quiet}
	followed := make(chan error, len(all))
	for _, g := range all {
		go func() { followed <- g.Follow(ctx, second.url()) }()
	}
	result := first.Drain(ctx)
	if result.Moved != 2 || result.Invited != 1 || result.Without != 1 || result.Left != 0 {
		t.Errorf("drained %+v, want 2 moved, 1 invited anew, 1 without media", result)
	}
	if err := first.Wait(ctx); err != nil {
		t.Error(err)
	}
	if err := first.Stop(ctx); err != nil {
		t.Error(err)
	}
	for range all {
		if err := <-followed; err != nil {
			t.Error(err)
		}
	}
	for _, g := range []*guest{a, b} {
		if s := g.State(); s.Ended != "" {
			t.Errorf("the session of one who moved has ended: %q", s.Ended)
		}
	}
	t.Logf("without a packet, at the longest: %v and %v who moved", a.ear.silence(), b.ear.silence())
	old.talkAnew(ctx, t)
	for _, g := range []*guest{a, b, old} {
		before := g.ear.streams()
		eventually(ctx, t, "media after the drain", func() bool {
			n := 0
			for ssrc, s := range g.ear.streams() {
				if s.received > before[ssrc].received+30 {
					n++
				}
			}
			return n >= 4
		})
	}
	gap := old.ear.silence()
	t.Logf("without a packet, at the longest: %v who was invited anew", gap)
	if gap > 5*time.Second && !testing.Short() { // the race detector
		t.Errorf("who was invited anew heard nothing for %v", gap)
	}
	a.Chat("here")
	for _, g := range all {
		if err := g.Await(ctx, "chat after the drain", said("here")); err != nil {
			t.Error(err)
		}
		if n := len(g.State().Occupants); n != 5 {
			t.Errorf("%d occupants, want 4 and the focus", n)
		}
	}
	select {
	case who := <-departures:
		t.Errorf("%s was seen to leave", who)
	default:
	}
	for _, g := range all {
		if g.stop != nil {
			g.stop()
			g.done.Wait()
		}
	}
	for _, g := range all {
		g.Leave()
	}
}

// TestDrainAlone: a node without others has nobody to give anybody to.
func TestDrainAlone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n, url := startNode(t)
	a := join(ctx, t, url, "a", 1000)
	defer a.Vanish()
	if result := n.Drain(ctx); result.Left != 1 || ctx.Err() != nil {
		t.Errorf("drained %+v, want one left, at once", result)
	}
	if _, err := participant.Join(ctx, participant.Config{URL: url, Domain: "localhost", Room: "late", Name: "late"}); err == nil {
		t.Error("somebody new came to a node that is drained")
	}
}

// leaves tells of everybody whom a client is told to have left.
func leaves(seen chan<- string) func(bool, []byte) {
	return func(sent bool, raw []byte) {
		if sent || !strings.HasPrefix(string(raw), "<presence") {
			return
		}
		if st, err := stanza.Parse(raw, stanza.Limits{}); err == nil && st.Attr("type") == "unavailable" {
			select {
			case seen <- st.Attr("from"):
			default:
			}
		}
	}
}
