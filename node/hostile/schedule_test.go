package hostile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// restless is a client that does everything that a client can do, in an order that its seed says.
type restless struct {
	n     *served
	rand  *rand.Rand
	room  string
	media bool
	done  *[8]atomic.Int64 // how often each thing was done

	p   *participant.Participant
	sid atomic.Pointer[string] // of the session that was offered last
}

// live joins, does some things and leaves.
func (r *restless) live(ctx context.Context) error {
	ssrc := r.rand.Uint32()
	p, err := participant.Join(ctx, participant.Config{
		URL: "ws://" + r.n.http + "/xmpp-websocket", Domain: "localhost", Room: r.room, Name: r.room,
		SSRCs:          participant.SSRCs{Audio: ssrc, Video: []uint32{ssrc + 1}, RTX: []uint32{ssrc + 2}},
		SignallingOnly: !r.media,
		OnStanza: func(_ []byte, st *stanza.Element) {
			if j := st.Child(nsJingle, "jingle"); j != nil && j.Attr("action") == "session-initiate" {
				sid := j.Attr("sid")
				r.sid.Store(&sid)
			}
		},
	})
	if err != nil {
		return err
	}
	r.p = p
	defer p.Vanish() // after Leave it is nothing
	for range r.rand.IntN(12) {
		what := r.rand.IntN(len(r.done))
		r.done[what].Add(1)
		if err := r.do(ctx, what); err != nil {
			return err
		}
		if r.rand.IntN(2) == 0 {
			time.Sleep(time.Duration(r.rand.IntN(30)) * time.Millisecond)
		}
	}
	p.Leave()
	return nil
}

func (r *restless) do(ctx context.Context, what int) error {
	p := r.p
	set := func(to, inner string) {
		p.Stream().Send(iq("set", p.Stream().NewID(), to, inner))
	}
	jingle := func(action, inner string) {
		if sid := r.sid.Load(); sid != nil {
			set(at(r.room, "focus"), `<jingle action="`+action+`" sid="`+*sid+`" xmlns="`+nsJingle+`">`+inner+`</jingle>`)
		}
	}
	switch what {
	case 0:
		p.Chat("x")
		p.SendPresence(fmt.Sprintf(`{"%s-a0":{"muted":%v}}`, p.Endpoint(), r.rand.IntN(2) == 0))
	case 1:
		for nick := range p.State().Occupants {
			if nick != "focus" && nick != p.Endpoint() {
				set(at(r.room, ""), `<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="`+nick+`" role="none"/></query>`)
				break
			}
		}
	case 2:
		jingle("session-terminate", `<reason><success/></reason><bridge-session restart="true" xmlns="http://jitsi.org/protocol/focus"/>`)
	case 3:
		jingle("session-terminate", `<reason><success/></reason>`)
	case 4:
		more := content("video", source(p.Endpoint()+"-v1", 1+r.rand.IntN(5)), "")
		jingle("source-add", more)
		jingle("source-remove", more)
	case 5:
		_ = p.Bridge(map[string]any{"colibriClass": "ReceiverVideoConstraints", "lastN": r.rand.IntN(4) - 1})
		_ = p.Bridge(map[string]any{"colibriClass": "EndpointMessage", "to": "", "msgPayload": map[string]any{}})
	case 6:
		p.Stream().Cut()
		return p.Stream().Resume(ctx, "")
	case 7: // out and in again on the same stream
		p.Stream().Send(`<presence to="` + at(r.room, p.Endpoint()) + `" type="unavailable" xmlns="jabber:client"/>`)
		p.SendPresence("{}")
	}
	return nil
}

// TestSchedules: clients come, go, break off, come back, kick and restart in all orders at once. At the end nobody and
// nothing is left.
func TestSchedules(t *testing.T) {
	n := serve(t)
	n.works() // what is made once is made
	goroutines := func() int { return runtime.NumGoroutine() }
	eventually(t, "empty node", func() bool { return n.metric("atoll_streams") == 0 })
	before := goroutines()

	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var done [8]atomic.Int64
	var joins atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(3 * time.Second)
	for i := range 10 {
		r := &restless{
			n: n, rand: rand.New(rand.NewPCG(seed, uint64(i))), room: fmt.Sprint("room", i%3), media: i < 3, done: &done, //nolint:gosec // a schedule
		}
		all.Go(func() {
			for time.Now().Before(end) {
				if err := r.live(ctx); err != nil {
					t.Error(err)
					return
				}
				joins.Add(1)
			}
		})
	}
	all.Wait()
	for i := range done {
		if done[i].Load() == 0 {
			t.Errorf("thing %d was never done", i)
		}
	}
	t.Logf("%d joins", joins.Load())
	eventually(t, "empty node", func() bool {
		return n.metric("atoll_rooms") == 0 && n.metric("atoll_participants") == 0 && n.metric("atoll_streams") == 0
	})
	for deadline := time.Now().Add(patience); goroutines() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%.20000s", goroutines(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
	n.works()
}
