package load_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

// TestProcessOutlivesTheThreadThatStartedIt: the signal for a dead parent is for a dead thread of it.
func TestProcessOutlivesTheThreadThatStartedIt(t *testing.T) {
	// Two at once: the process's first thread, on which one of them may be, never ends.
	var children [2]*load.Process
	var locked, ended sync.WaitGroup
	locked.Add(len(children))
	for i := range children {
		ended.Go(func() {
			runtime.LockOSThread() // the thread ends with the goroutine
			locked.Done()
			locked.Wait()
			var err error
			if children[i], err = load.Spawn("sleeper", nil, "sleep", "60"); err != nil {
				t.Error(err)
			}
		})
	}
	ended.Wait()
	late, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for _, p := range children {
		if p == nil {
			continue
		}
		select {
		case <-p.Ended():
			t.Error("it ended with the thread: ", p.Failure())
		case <-late.Done():
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}
