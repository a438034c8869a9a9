package resume

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/signaling/bridge"
)

// page is the client's end of a channel that was opened elsewhere.
type page struct {
	mu     sync.Mutex
	got    []string
	closed []bridge.Status
}

func (p *page) Text(m []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, string(m))
}

func (p *page) Ended(code bridge.Status, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = append(p.closed, code)
}

const hello = `{"colibriClass":"ClientHello"}`

// open opens the channel of the participant of the first node at the second.
func open(t *testing.T, c *cluster) (*page, bridge.Way) {
	t.Helper()
	c.nodes[0].hearer.endpoint = "00000001"
	p := &page{}
	w, ok := c.nodes[1].service.Open(t.Context(), bridge.Address{Node: string(c.nodes[0].name), Conference: "c", Endpoint: "00000001", Password: "secret"}, p)
	if !ok {
		t.Fatal("not opened")
	}
	return p, w
}

func TestChannelOverALink(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		p, w := open(t, c)
		for range 3 {
			if !w.Send([]byte(hello)) {
				t.Error("not sent")
			}
		}
		wait(time.Second)
		h := c.nodes[0].hearer
		h.channel.Send(bridge.ServerHello{Version: "again"})
		wait(time.Second)
		if len(h.heard) != 3 || len(p.got) != 2 {
			t.Errorf("heard %v, got %v", h.heard, p.got)
		}
		w.Close(bridge.StatusGoingAway, "")
		wait(time.Second)
		if h.closed != 1 || w.Send([]byte(hello)) {
			t.Error("it is open")
		}
		for _, n := range c.nodes {
			if s := n.service.Stats(); s.Channels != 0 {
				t.Errorf("%d channels are left", s.Channels)
			}
		}
	})
}

// TestChannelIsFound where the room says, where the URL says, and where the participant has gone since.
func TestChannelIsFound(t *testing.T) {
	inCluster(t, 4, func(t *testing.T, c *cluster) {
		_, token := c.nodes[0].session(1, "room@conference.meet.test")
		c.nodes[2].hearer.endpoint = "00000001"
		if err := c.nodes[2].fetch(token); err != nil {
			t.Fatal(err)
		}
		at := bridge.Address{Node: string(c.nodes[0].name), Conference: "c", Endpoint: "00000001", Password: "secret"}
		for _, n := range []int{1, 3, 0} {
			if _, ok := c.nodes[n].service.Open(t.Context(), at, &page{}); !ok {
				t.Errorf("not found from node %d", n)
			}
		}
		c.mu.Lock()
		c.nodes[3].serving["00000001"] = c.nodes[2].name
		c.mu.Unlock()
		c.nodes[0].kill()
		if _, ok := c.nodes[3].service.Open(t.Context(), at, &page{}); !ok {
			t.Error("not found by the room")
		}
		at.Password = "wrong"
		if _, ok := c.nodes[3].service.Open(t.Context(), at, &page{}); ok {
			t.Error("opened with a wrong password")
		}
		at.Node = "no node"
		if _, ok := c.nodes[1].service.Open(t.Context(), at, &page{}); ok {
			t.Error("opened at no node")
		}
	})
}

func TestChannelWithAHoleIsClosed(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		p, w := open(t, c)
		n := 0
		c.mu.Lock()
		c.lose = func(f wire.Frame) bool {
			text, ok := f.(wire.ChannelText)
			n++
			return ok && text.Opener && n == 1
		}
		c.mu.Unlock()
		w.Send([]byte(hello))
		w.Send([]byte(hello))
		wait(time.Second)
		if h := c.nodes[0].hearer; h.closed != 1 || len(h.heard) != 0 {
			t.Errorf("closed %d times, heard %v", h.closed, h.heard)
		}
		if len(p.closed) != 1 || p.closed[0] != bridge.StatusTryAgainLater {
			t.Errorf("the client: %v", p.closed)
		}
	})
}

func TestChannelEndsWithItsNode(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		p, _ := open(t, c)
		c.nodes[0].kill()
		wait(2 * time.Second)
		if len(p.closed) != 1 || p.closed[0] != bridge.StatusTryAgainLater {
			t.Errorf("the client: %v", p.closed)
		}
		c.nodes[0].service.closeChannels(func(identity.Name) bool { return true })
	})
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		open(t, c)
		c.nodes[1].kill()
		wait(2 * time.Second)
		if h := c.nodes[0].hearer; h.closed != 1 {
			t.Errorf("closed %d times", h.closed)
		}
	})
}

// TestChannelIsNotAnswered: the client is not left waiting, and what comes late is closed.
func TestChannelIsNotAnswered(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		c.nodes[0].hearer.endpoint = "00000001"
		c.lose = func(f wire.Frame) bool { _, ok := f.(wire.ChannelOpened); return ok }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok := c.nodes[1].service.Open(ctx, bridge.Address{Node: string(c.nodes[0].name), Conference: "c", Endpoint: "00000001", Password: "secret"}, &page{}); ok {
			t.Error("opened")
		}
		wait(time.Second)
		if h := c.nodes[0].hearer; h.closed != 1 {
			t.Errorf("closed %d times", h.closed)
		}
	})
}
