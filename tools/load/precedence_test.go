//go:build load

package load_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atoll-mesh/atoll/tools/load"
)

// raised counts the threads of a process that are scheduled in real time.
func raised(t *testing.T, pid int) (n int) {
	t.Helper()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, _ := strconv.Atoi(thread.Name())
		attr, err := unix.SchedGetAttr(id, 0)
		if err != nil && !errors.Is(err, unix.ESRCH) {
			t.Fatal(err)
		}
		if err == nil && attr.Policy == unix.SCHED_RR {
			n++
		}
	}
	return n
}

// permitted says whether real-time scheduling is, which the node inherits.
func permitted() bool {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	first := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0) == nil
	back := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
	return first && back == nil
}

// TestTheNodeComesFirstWhileSomebodyJoins: where it may, and no longer than that.
func TestTheNodeComesFirstWhileSomebodyJoins(t *testing.T) {
	const patience = 30 * time.Second
	node := started(t)
	if n := raised(t, node.PID); n != 0 {
		t.Fatalf("nobody joins, and %d threads of the node come first", n)
	}
	joined := make(chan error, 1)
	go func() {
		_, _, leave, err := load.Rush{URL: node.URL, Domain: node.Domain, Room: "first", People: 40, Within: 2 * time.Second}.Run(t.Context())
		leave()
		joined <- err
	}()
	came := 0
	for coming := true; coming; {
		came = max(came, raised(t, node.PID))
		select {
		case err := <-joined:
			if err != nil {
				t.Fatal(err)
			}
			coming = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	if may := permitted(); came > 0 != may {
		t.Errorf("while forty joined %d threads came first, and it is permitted: %v", came, may)
	}
	for until := time.Now().Add(patience); raised(t, node.PID) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("nobody has joined for %v, and %d threads of the node still come first", patience, raised(t, node.PID))
		}
	}
}
