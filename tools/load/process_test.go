package load_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

// TestProcessOutlivesTheThreadThatStartedIt: the signal for a dead parent is for a dead thread of it.
func TestProcessOutlivesTheThreadThatStartedIt(t *testing.T) {
	spawned := make(chan *load.Process, 1)
	thread := make(chan struct{})
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		defer close(thread)
		p, err := load.Spawn("sleeper", nil, "sleep", "60")
		if err != nil {
			t.Error(err)
		}
		spawned <- p
	}()
	p := <-spawned
	<-thread
	if p == nil {
		return
	}
	select {
	case <-p.Ended():
		t.Error("it ended with the thread: ", p.Failure())
	case <-time.After(time.Second):
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}
