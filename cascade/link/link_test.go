package link

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

func TestLinkCarriesFramesAndMedia(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, true)
		took := within(t, 5*time.Second, "link", func() bool { return a.linked(b) && b.linked(a) })
		// Three round trips: Retry, TLS, Hello; and the spread of dialling.
		if took < 240*time.Millisecond || took > 250*time.Millisecond {
			t.Errorf("link after %v", took)
		}
		if !a.e.Send(b.name(), 3, wire.Claim{Room: "r", ID: 7}) || !b.e.Send(a.name(), 0, wire.Release{Room: "x", Incarnation: 1}) {
			t.Error("not sent")
		}
		within(t, time.Second, "frames", func() bool { return a.got() == 1 && b.got() == 1 })
		if diff := cmp.Diff([]wire.Frame{wire.Claim{Room: "r", ID: 7}}, b.letters()); diff != "" {
			t.Error(diff)
		}
		within(t, time.Second, "media", func() bool { return a.report(b).Media && b.report(a).Media })
		big := string(make([]byte, 1243))
		if !a.e.SendMedia(b.name(), Video, []byte(big)) || !b.e.SendMedia(a.name(), Audio, []byte("b")) {
			t.Error("media not sent")
		}
		within(t, time.Second, "datagrams", func() bool { return a.heardMedia() == 1 && b.heardMedia() == 1 })
		if b.packets()[0] != big || a.packets()[0] != "b" {
			t.Error("media arrived otherwise")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		got := a.report(b)
		t.Logf("%+v", got)
		if got.RTT.Round(time.Millisecond) != 80*time.Millisecond || got.Loss != 0 || got.Version != wire.Version || !got.Alive || got.Addr != b.addr {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff([]string{"alive", "up"}, a.said()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestListenNeedsItsOwnName(t *testing.T) {
	if _, err := Listen(Config{Key: identity.NewKey(), Hello: wire.Hello{Name: "aaaaaaaaaa"}}); err == nil {
		t.Error("another's name is accepted")
	}
}

// TestSendAfterClose holds that nothing is asked of an endpoint that is closed.
func TestSendAfterClose(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, true)
		r.linked(5*time.Second, a, b)
		e := a.e
		a.stop()
		within(t, time.Second, "the other hears of it", func() bool { return !b.linked(a) })
		if said := b.said(); said[len(said)-1] != `down: closed by the other node: "this node stops"` {
			t.Errorf("%q", said)
		}
		if e.Send(b.name(), 0, wire.Claim{Room: "r"}) || e.SendMedia(b.name(), Audio, []byte("x")) || e.Close() != nil {
			t.Error("still at work")
		}
		e.SetPeers(nil)
		e.Misbehaved(b.name(), io.EOF)
		if len(e.Peers()) != 1 || e.Peers()[0].Control {
			t.Error("a link is left")
		}
	})
}

func TestSendRefusesWhatIsNotAFrame(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, true)
		r.linked(5*time.Second, a, b)
		if a.e.Send(b.name(), wire.Lanes, wire.Claim{Room: "r"}) || a.e.Send(b.name(), 0, wire.Claim{}) || a.e.Send("cccccccccc", 0, wire.Claim{Room: "r"}) {
			t.Error("sent")
		}
		if a.e.SendMedia(b.name(), Classes, []byte("x")) || a.e.SendMedia("cccccccccc", Audio, []byte("x")) {
			t.Error("media sent")
		}
		if !strings.Contains(a.logged(), "a frame is malformed") {
			t.Errorf("log %q", a.logged())
		}
	})
}
