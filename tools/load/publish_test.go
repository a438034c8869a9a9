package load_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

// slowWriter blocks once, for stall.
type slowWriter struct {
	stall   time.Duration
	packets int
}

func (w *slowWriter) WriteRTP([]byte) error {
	if w.packets++; w.packets == 500 {
		time.Sleep(w.stall)
	}
	return nil
}

func publish(t *testing.T, w load.Writer, d time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	n := 0
	if err := load.Publish(ctx, load.NewPublisher(1, 2, 0), w, nil, func(time.Time) { n++ }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPublishKeepsThePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(slowWriter)
		n := publish(t, w, 10*time.Second+time.Millisecond)
		if want := 10 * load.PacketsPerSecond; n != want || w.packets != want {
			t.Errorf("sent %d, wrote %d in 10 s, want %d", n, w.packets, want)
		}
	})
}

func TestPublishDoesNotMakeUpForAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := publish(t, &slowWriter{stall: time.Second}, 10*time.Second+time.Millisecond)
		if most, least := 9*load.PacketsPerSecond+20, 9*load.PacketsPerSecond-20; n > most || n < least {
			t.Errorf("sent %d in 10 s with a stall of 1 s, want between %d and %d", n, least, most)
		}
	})
}

type brokenWriter struct{ err error }

func (w brokenWriter) WriteRTP([]byte) error { return w.err }

func TestPublishTellsWhyItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no socket")
		err := load.Publish(t.Context(), load.NewPublisher(1, 2, 0), brokenWriter{broken}, nil, func(time.Time) {})
		if !errors.Is(err, broken) {
			t.Errorf("error is %v", err)
		}
	})
}
