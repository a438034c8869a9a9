//go:build load

package load_test

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// TestDrainBetweenProcesses moves two participants who talk from one node process to another, by draining the first: nothing is lost or
// comes twice in either direction, and the sequence of every stream wraps meanwhile. The machine may lose packets as well, in
// sockets that nobody had time to read, so it is tried three times.
func TestDrainBetweenProcesses(t *testing.T) {
	for try := range 3 {
		if drained(t, try) {
			return
		}
	}
	t.Error("packets were lost each time")
}

// mover is one who talks and listens.
type mover struct {
	*participant.Participant
	heard *load.Receiver
}

func drained(t *testing.T, try int) (whole bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	c, err := load.StartCluster(ctx, binary(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	first, second := c.Nodes[0], c.Nodes[1]
	const before = 150 // packets of each stream until its sequence wraps
	var movers []*mover
	var talking sync.WaitGroup
	talk, stop := context.WithCancel(ctx)
	defer stop()
	for k, name := range []string{"a", "b"} {
		ssrc := uint32(1000 * (k + 1))
		m := &mover{heard: load.NewReceiver()}
		m.Participant, err = participant.Join(ctx, participant.Config{
			URL: first.URL, Domain: first.Domain, Room: "moving", Name: name,
			SSRCs: participant.SSRCs{Audio: ssrc, Video: []uint32{ssrc + 1}, RTX: []uint32{ssrc + 2}}, OnRTP: m.heard.RTP,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Leave()
		movers = append(movers, m)
	}
	for k, m := range movers {
		if err := m.AwaitMedia(ctx); err != nil {
			t.Fatal(err)
		}
		source := load.NewPublisher(uint32(1000*(k+1)), uint32(1000*(k+1)+1), 1<<16-before)
		talking.Go(func() { _ = load.Publish(talk, source, m.Transport(), nil, func(time.Time) {}) })
	}
	pause(t, time.Second)
	followed := make(chan error, len(movers))
	for _, m := range movers {
		go func() { followed <- m.Follow(ctx, second.URL) }()
	}
	began := time.Now()
	out, err := exec.CommandContext(ctx, binary(t), "drain", "--admin", strings.TrimPrefix(first.Admin, "http://"), "--deadline", "20s").CombinedOutput()
	if err != nil {
		t.Fatalf("drain: %v: %s", err, out)
	}
	for range movers {
		if err := <-followed; err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("try %d: everybody followed after %v; %s", try, time.Since(began).Round(time.Millisecond), strings.TrimSpace(string(out)))
	pause(t, 2*time.Second)
	stop()
	talking.Wait()
	pause(t, 300*time.Millisecond) // what is on its way
	whole = true
	for _, m := range movers {
		got := m.heard.Tally()
		// What is sent on both paths for a moment is refused the second time.
		t.Logf("try %d: %s: %+v, %d packets refused", try, m.Endpoint(), got, m.Transport().Unopened())
		if got.Streams != 2 || got.Packets < 3*before {
			t.Errorf("%s heard %+v, want two streams of more than %d packets", m.Endpoint(), got, before)
		}
		if got.Lost != 0 || got.Late != 0 {
			whole = false
		}
		if s := m.State(); s.Ended != "" || len(s.Occupants) != 3 {
			t.Errorf("%s sees %v, its session ended %q; want both and the focus", m.Endpoint(), s.Occupants, s.Ended)
		}
	}
	return whole
}
