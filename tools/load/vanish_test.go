//go:build load

package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// goneTime bounds how long a node may keep what is left of participants who vanished: 60 s until a stream cannot be
// resumed, 30 s until a leg is silent, and as much again.
const goneTime = 150 * time.Second

// After 20 joins to warm up, 200 more leave nothing behind, whether they leave or vanish.
//
// The heap can be compared only when no more participants linger at a time than in the warm-up: Go keeps the descriptor
// of every goroutine that ever ran beside the others, and a map the room of its fullest hour. So the 200 come in rounds
// of 40, half of whom leave before the other half vanishes, and each round is awaited.
func TestVanishedParticipantsLeaveNothing(t *testing.T) {
	const linger, rounds = 20, 5
	node := started(t)
	churn(t, node, "warm", linger, (*participant.Participant).Vanish)
	before := settle(t, node)
	heapBefore := heap(t, node)
	t.Logf("after the warm-up: %d goroutines, heap %+v", before, heapBefore)
	for i := range rounds {
		churn(t, node, fmt.Sprintf("leave-%d", i), 200/rounds-linger, (*participant.Participant).Leave)
		churn(t, node, fmt.Sprintf("vanish-%d", i), linger, (*participant.Participant).Vanish)
		most, _ := goroutines(t, node)
		after := gone(t, node, before)
		t.Logf("round %d: %d goroutines, %d after %v, heap %+v", i, most, before, after.Round(time.Second), heap(t, node))
	}
	heapAfter := heap(t, node)
	if grown := float64(heapAfter.Alloc)/float64(heapBefore.Alloc) - 1; grown > 0.05 {
		t.Errorf("the heap grew by %.1f %%, from %d to %d bytes", 100*grown, heapBefore.Alloc, heapAfter.Alloc)
	}
}

// gone waits until the node has as many goroutines as before and no room, and returns how long that took.
func gone(t *testing.T, node *load.Node, before int) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		n, profile := goroutines(t, node)
		left := rooms(t, node)
		if n == before && left == 0 {
			return time.Since(start)
		}
		if time.Since(start) > goneTime {
			t.Fatalf("%d goroutines and %d rooms are left %v after the last had gone, %d goroutines were there before:\n%s", n, left, goneTime, before, profile)
		}
		pause(t, time.Second)
	}
}

// churn lets n participants come and go, in rooms of two, up to eight at a time.
func churn(t *testing.T, node *load.Node, room string, n int, end func(*participant.Participant)) {
	t.Helper()
	pairs := make(chan int, n/2)
	for i := range n / 2 {
		pairs <- i
	}
	close(pairs)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for i := range pairs {
				if err := pair(t.Context(), node, fmt.Sprintf("%s-%d", room, i), end); err != nil {
					t.Errorf("room %s-%d: %v", room, i, err)
				}
			}
		})
	}
	workers.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// pair joins two, lets each hear the other, and ends both.
func pair(ctx context.Context, node *load.Node, room string, end func(*participant.Participant)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var both [2]*participant.Participant
	var heard [2]*load.Receiver
	var sources [2]*load.Publisher
	defer func() {
		for _, p := range both {
			if p != nil {
				end(p)
			}
		}
	}()
	for k := range both {
		ssrc := uint32(10 * (k + 1))
		heard[k], sources[k] = load.NewReceiver(), load.NewPublisher(ssrc, ssrc+1, 65500)
		p, err := participant.Join(ctx, participant.Config{
			URL: node.URL, Domain: node.Domain, Room: room, Name: fmt.Sprintf("%s-%d", room, k), OnRTP: heard[k].RTP,
			SSRCs: participant.SSRCs{Audio: ssrc, Video: []uint32{ssrc + 1}, RTX: []uint32{ssrc + 2}},
		})
		if err != nil {
			return err
		}
		both[k] = p
	}
	for _, p := range both {
		if err := p.AwaitMedia(ctx); err != nil {
			return err
		}
	}
	ticker := time.NewTicker(time.Second / load.FramesPerSecond)
	defer ticker.Stop()
	for heard[0].Tally().Streams < 2 || heard[1].Tally().Streams < 2 {
		for k, p := range both {
			sources[k].RequestKeyframe()
			for _, packet := range append(sources[k].Frame(time.Now()), sources[k].Opus(time.Now())) {
				if err := p.Transport().WriteRTP(packet); err != nil {
					return err
				}
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("they hear %+v and %+v: %w", heard[0].Tally(), heard[1].Tally(), ctx.Err())
		}
	}
	return nil
}

// settle waits until the rooms are empty and the number of goroutines has not changed for a while, and returns it.
func settle(t *testing.T, node *load.Node) int {
	t.Helper()
	const still = 15 * time.Second
	start := time.Now()
	last, since := 0, start
	for {
		n, profile := goroutines(t, node)
		if n != last {
			last, since = n, time.Now()
		}
		if time.Since(since) >= still && rooms(t, node) == 0 && unresumable(start) {
			return n
		}
		if time.Since(start) > goneTime {
			t.Fatalf("%v after the warm-up the node still has %d rooms and %d goroutines:\n%s", goneTime, rooms(t, node), n, profile)
		}
		pause(t, time.Second)
	}
}

// unresumable says that no stream of those who vanished before start can still be resumed.
func unresumable(start time.Time) bool { return time.Since(start) > 65*time.Second }

func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

var total = regexp.MustCompile(`goroutine profile: total (\d+)`)

func goroutines(t *testing.T, node *load.Node) (n int, profile string) {
	t.Helper()
	raw := get(t, node, "/debug/pprof/goroutine?debug=1")
	return number(t, raw, total), string(raw)
}

// memory is what a heap profile says after a collection.
type memory struct{ Alloc, Inuse int }

var (
	heapAlloc = regexp.MustCompile(`# HeapAlloc = (\d+)`)
	heapInuse = regexp.MustCompile(`# HeapInuse = (\d+)`)
)

// heap is the least of ten collections: pools give up what they hold at the second, and what serves the question itself
// comes and goes.
func heap(t *testing.T, node *load.Node) memory {
	t.Helper()
	var least memory
	for i := range 10 {
		raw := get(t, node, "/debug/pprof/heap?gc=1&debug=1")
		now := memory{number(t, raw, heapAlloc), number(t, raw, heapInuse)}
		if i == 0 || now.Alloc < least.Alloc {
			least = now
		}
	}
	return least
}

func number(t *testing.T, raw []byte, of *regexp.Regexp) int {
	t.Helper()
	m := of.FindSubmatch(raw)
	if m == nil {
		t.Fatalf("no %v in %.300s", of, raw)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func rooms(t *testing.T, node *load.Node) int {
	t.Helper()
	var list struct {
		Rooms []json.RawMessage `json:"rooms"`
	}
	if err := json.Unmarshal(get(t, node, "/api/v1/rooms"), &list); err != nil {
		t.Fatal(err)
	}
	return len(list.Rooms)
}

func get(t *testing.T, node *load.Node, path string) []byte {
	t.Helper()
	raw, err := node.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
