package hostile

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// delay returns how long a chat message takes from one guest to another, the worst of some.
func (n *served) delay(a, b *participant.Participant) time.Duration {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 3*patience)
	defer cancel()
	var worst time.Duration
	for i := range 20 {
		begun := time.Now()
		body := fmt.Sprint("delay ", i)
		a.Chat(body)
		if err := b.Await(ctx, body, said(body)); err != nil {
			n.t.Fatal(err)
		}
		worst = max(worst, time.Since(begun))
	}
	return worst
}

// TestFlood: clients that talk at full speed are slowed down by themselves. Neither another room nor who listens in the same
// room pays for it.
func TestFlood(t *testing.T) {
	t.Parallel()
	n := serve(t)
	c, d := n.guest("calm", false), n.guest("calm", false)
	victim := n.guest("flooded", false)
	calm := n.delay(c, d)

	const flooders, rate, burst = 6, 20, 200 // what a client may say a second, and at once
	var evil [flooders]*client
	for i := range evil {
		evil[i] = n.in("flooded")
	}
	begun := time.Now()
	stopped, stop := context.WithCancel(t.Context())
	defer stop()
	var talking sync.WaitGroup
	for i, e := range evil {
		context.AfterFunc(stopped, func() { _ = e.ws.CloseNow() }) // a writer may be held back
		talking.Go(func() {
			for k := 0; stopped.Err() == nil; k++ {
				e.say("flooded", fmt.Sprintf("%d %d %s", i, k, strings.Repeat("x", 500)))
			}
		})
	}
	loaded := n.delay(c, d)
	time.Sleep(time.Second)
	loaded = max(loaded, n.delay(c, d))
	stop()
	talking.Wait()
	t.Logf("chat in another room: %v, with the flood %v", calm, loaded)
	if loaded > max(100*calm, patience) { // on a quiet machine it is 0.1 s
		t.Errorf("chat in another room: %v, with the flood %v", calm, loaded)
	}
	heard := len(victim.State().Chats)
	if most := flooders * (burst + rate*int(time.Since(begun)/time.Second+1)); heard < burst || heard > most {
		t.Errorf("who listened heard %d messages, want %d at least and %d at most", heard, burst, most)
	}
	select {
	case <-victim.Stream().Failed():
		t.Error("who listened lost its stream")
	default:
	}
	// Who talks at full speed may be too slow to read what the others say. Nobody else is closed for it.
	if got := n.metric("atoll_stream_overflowed_total"); got > flooders {
		t.Errorf("%v streams overflowed, %d talked without a break", got, flooders)
	}
	for _, p := range []*participant.Participant{c, d} {
		select {
		case <-p.Stream().Failed():
			t.Error("who was in another room lost its stream")
		default:
		}
	}
	n.works()
}

// TestDeaf: a client that stops reading is the only one that is closed for it.
func TestDeaf(t *testing.T) {
	t.Parallel()
	n := serve(t)
	a, b := n.in("deaf"), n.in("deaf")
	deaf, err := net.Dial("tcp", n.http)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	_ = deaf.(*net.TCPConn).SetReadBuffer(4096)
	evil := n.by(deaf)
	evil.login()
	evil.join("deaf")
	evil.pause()

	// Twelve bursts are more than waits for anybody.
	var talking sync.WaitGroup
	for i := range 12 {
		c := n.in("deaf")
		talking.Go(func() {
			for k := range 190 {
				c.say("deaf", fmt.Sprint(i, k))
			}
		})
	}
	talking.Wait()
	a.await("leaving", presence(evil.id, "unavailable"))
	if got := n.metric("atoll_stream_overflowed_total"); got != 1 {
		t.Errorf("%v streams were closed", got)
	}
	a.say("deaf", "end")
	b.hears("end")
}
