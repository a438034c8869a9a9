package bridge

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// line is the way between two servers in memory: what one end says the other hears, in order.
type line struct {
	mu  sync.Mutex
	to  End
	cut bool
}

func (l *line) Send(text []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return false
	}
	l.to.Text(slices.Clone(text))
	return true
}

func (l *line) Close(code Status, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.cut && l.to != nil {
		l.to.Ended(code, reason)
	}
	l.cut = true
}

// far opens channels at another server.
type far struct {
	server *Server
	there  *line // to the participant
	back   *line // to the client
	asked  []Address
}

func (f *far) Open(_ context.Context, a Address, client End) (Way, bool) {
	f.asked = append(f.asked, a)
	f.back = &line{to: client}
	end, ok := f.server.Accept(a.Conference, a.Endpoint, a.Password, f.back)
	if !ok {
		return nil, false
	}
	f.there = &line{to: end}
	return f.there, true
}

// twoBeds are a server that knows nobody and one that has the participant.
func twoBeds(t *testing.T, test func(t *testing.T, here, there *bed, f *far)) {
	synctest.Test(t, func(t *testing.T) {
		there := newBed(t)
		defer there.close()
		here := newBed(t)
		defer here.close()
		f := &far{server: there.bridge}
		here.bridge.cfg.Lookup = func(string, string, string) (Handler, bool) { return nil, false }
		here.bridge.cfg.Elsewhere = f
		test(t, here, there, f)
	})
}

func TestChannelOverAnotherNode(t *testing.T) {
	twoBeds(t, func(t *testing.T, here, there *bed, f *far) {
		c := here.join()
		if got := <-c.frames; !strings.Contains(got, `"ServerHello"`) {
			t.Errorf("first message %s", got)
		}
		c.send(t, `{"colibriClass":"ClientHello"}`)
		synctest.Wait()
		there.rec.channel.Send(SenderSourceConstraints{SourceName: "05cf9031-v0", MaxHeight: 360})
		if got := <-c.frames; !strings.Contains(got, "360") {
			t.Errorf("got %s", got)
		}
		if want := []string{"opened", "bridge.ClientHello"}; !slices.Equal(there.rec.seen(), want) {
			t.Errorf("the participant's node saw %q, want %q", there.rec.seen(), want)
		}
		if len(here.rec.seen()) != 0 {
			t.Errorf("the node between saw %q", here.rec.seen())
		}
		time.Sleep(4 * pingEvery) // one is on its way as the client says good-bye, and is not why the channel ends
		_ = c.Close(StatusGoingAway, "")
		synctest.Wait()
		if got := there.rec.seen(); got[len(got)-1] != "closed: client closed 1001" {
			t.Errorf("the participant's node saw %q", got)
		}
		if s := here.bridge.Stats(); s.Relayed != 1 || s.Refused != 0 || s.Broken != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// closedWith waits for the end of the client's channel.
func closedWith(t *testing.T, c *client, want Status) {
	t.Helper()
	if got := websocket.CloseStatus(<-c.closed); got != want {
		t.Errorf("closed with %d, want %d", got, want)
	}
	synctest.Wait()
}

// TestFarNodeCloses: the client is told what its participant's node says.
func TestFarNodeCloses(t *testing.T) {
	twoBeds(t, func(t *testing.T, here, there *bed, f *far) {
		c := here.join()
		there.rec.channel.Close(StatusNormal, "the session moves")
		closedWith(t, c, StatusNormal)
		if got := there.rec.seen(); !strings.HasSuffix(got[len(got)-1], errClosed.Error()) {
			t.Errorf("%q", got)
		}
	})
}

func TestWayIsLost(t *testing.T) {
	twoBeds(t, func(t *testing.T, here, there *bed, f *far) {
		c := here.join()
		f.there.mu.Lock()
		f.there.cut = true
		f.there.mu.Unlock()
		c.send(t, `{"colibriClass":"ClientHello"}`)
		closedWith(t, c, StatusTryAgainLater)
		f.there.to.Ended(StatusTryAgainLater, "") // as its node finds out
		synctest.Wait()
		if got := there.rec.seen(); got[len(got)-1] != "closed: client closed 1013" {
			t.Errorf("%q", got)
		}
	})
}

func TestNobodyElsewhere(t *testing.T) {
	twoBeds(t, func(t *testing.T, here, there *bed, f *far) {
		if _, status, err := here.dial("/colibri-ws/far/conf/05cf9031?pwd=wrong"); err == nil || status != http.StatusForbidden {
			t.Fatalf("opened with a wrong password: %v, %v", status, err)
		}
		if want := []Address{{"far", "conf", "05cf9031", "wrong"}}; !slices.Equal(f.asked, want) {
			t.Errorf("asked for %v, want %v", f.asked, want)
		}
		if here.bridge.Stats().Refused != 1 || there.bridge.Stats().Refused != 1 {
			t.Errorf("%+v, %+v", here.bridge.Stats(), there.bridge.Stats())
		}
	})
}

// TestFarClientTalksTooMuch: the participant's node bounds what it takes, whatever the node between lets pass.
func TestFarClientTalksTooMuch(t *testing.T) {
	twoBeds(t, func(t *testing.T, here, there *bed, f *far) {
		hold := make(chan struct{})
		there.rec.onEach = func(*Channel) { <-hold }
		c := here.join()
		for range incoming + 10 {
			f.there.to.Text([]byte(`{"colibriClass":"ClientHello"}`))
		}
		closedWith(t, c, StatusPolicyViolation)
		close(hold)
		synctest.Wait()
		if got := there.rec.seen(); !strings.HasPrefix(got[len(got)-1], "closed: ") {
			t.Errorf("the participant's node saw %q", got[len(got)-1])
		}
	})
}

// TestServerClosesFarChannels: they end with the server, and tell the other node.
func TestServerClosesFarChannels(t *testing.T) {
	twoBeds(t, func(t *testing.T, here, there *bed, f *far) {
		c := here.join()
		there.bridge.Close()
		closedWith(t, c, StatusGoingAway)
		if _, ok := there.bridge.Accept("conf", "05cf9031", "secret", f.back); ok {
			t.Error("a closed server accepts channels")
		}
	})
}

// TestEarlyMessages: what comes before the client's socket is open waits, a little.
func TestEarlyMessages(t *testing.T) {
	r := &relay{}
	for range early {
		r.Text([]byte("x"))
	}
	if r.over || len(r.waiting) != early {
		t.Errorf("%d wait, over %v", len(r.waiting), r.over)
	}
	if r.Text([]byte("x")); !r.over {
		t.Error("any number waits")
	}
}
