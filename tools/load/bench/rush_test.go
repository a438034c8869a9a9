package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

func TestARushThatDoesNotLeaveIsEnded(t *testing.T) {
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		within time.Duration
		want   error
	}{
		{"in time", t.Context(), time.Millisecond, context.DeadlineExceeded},
		{"when interrupted", interrupted, time.Hour, context.Canceled},
	} {
		p, err := load.Spawn("rush", nil, "sleep", "60")
		if err != nil {
			t.Fatal(err)
		}
		if err := empty(c.ctx, p, c.within); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		select {
		case <-p.Ended():
		default:
			t.Errorf("%s: it goes on", c.name)
		}
	}
	p, err := load.Spawn("rush", nil, "true")
	if err != nil {
		t.Fatal(err)
	}
	if err := empty(t.Context(), p, time.Minute); err != nil {
		t.Errorf("one that leaves: %v", err)
	}
}
