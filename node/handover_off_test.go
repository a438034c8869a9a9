package node

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/handover"
	"github.com/atoll-mesh/atoll/node/session"
)

// customs looks into what other nodes give to a mover.
type customs struct {
	*handover.Mover
	mu    sync.Mutex
	taken []session.Participant
}

func (c *customs) Moved(from identity.Name, f wire.Frame) {
	if take, ok := f.(wire.Take); ok {
		if v, err := session.Decode(take.Value); err == nil {
			c.mu.Lock()
			c.taken = append(c.taken, *v)
			c.mu.Unlock()
		}
	}
	c.Mover.Moved(from, f)
}

// TestHandoverOff: with --handover off no keys leave a node. A client that comes to another node is told that its session is not
// there, and is still where it was; when the node is drained everybody is invited to a new session at the other, also whose socket is
// lost.
func TestHandoverOff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	secret := identity.NewSecret().Reveal()
	first, _ := startNode(t, "--secret", secret, "--handover", "off")
	second, _ := startNode(t, "--secret", secret, "--handover", "off", "--join", first.mesh.Addr().String())
	eventually(ctx, t, "the nodes to be linked", func() bool { return len(first.successors()) == 1 && len(second.successors()) == 1 })
	border := &customs{Mover: second.mover}
	second.mesh.SetMover(border)

	a, b := join(ctx, t, first.url(), "a", 1000), join(ctx, t, first.url(), "b", 2000)
	for _, g := range []*guest{a, b} {
		g.talk(ctx, t)
	}
	for _, g := range []*guest{a, b} {
		eventually(ctx, t, "media", g.received(2, 30))
	}
	a.Stream().Cut()
	if err := a.Stream().Resume(ctx, second.url()); err == nil || !strings.Contains(err.Error(), "item-not-found") {
		t.Errorf("resume at another node: %v, want item-not-found", err)
	}
	if err := a.Stream().Resume(ctx, first.url()); err != nil {
		t.Fatalf("resume where the session is: %v", err)
	}
	flows(ctx, t, "media after the way back", a, b)

	b.Stream().Cut()
	eventually(ctx, t, "a lost socket", func() bool {
		return slices.ContainsFunc(first.rooms.Everybody(ctx), func(w conference.Who) bool { return w.Lost })
	})
	followed := make(chan error, 1)
	go func() { followed <- a.Follow(ctx, second.url()) }()
	if result := first.Drain(ctx); result.Moved != 0 || result.Invited != 1 || result.Without != 1 || result.Left != 0 {
		t.Errorf("drained %+v, want one invited anew and one, whose socket is lost, without media", result)
	}
	if err := <-followed; err != nil {
		t.Error(err)
	}
	if err := b.Stream().Resume(ctx, second.url()); err != nil {
		t.Errorf("resume where the drained session went: %v", err)
	}
	for _, g := range []*guest{a, b} {
		g.talkAnew(ctx, t)
	}
	a.Chat("here")
	if err := b.Await(ctx, "chat", said("here")); err != nil {
		t.Error(err)
	}
	border.mu.Lock()
	defer border.mu.Unlock()
	if len(border.taken) != 2 {
		t.Errorf("%d participants came, want 2", len(border.taken))
	}
	for _, v := range border.taken {
		if m := v.Media; len(m.LocalKey)+len(m.RemoteKey)+len(m.LocalSalt)+len(m.RemoteSalt)+len(m.DTLS) != 0 {
			t.Errorf("%s came with keys", v.Endpoint)
		}
	}
	for _, g := range []*guest{a, b} {
		g.stop()
		g.done.Wait()
		g.Leave()
	}
}
