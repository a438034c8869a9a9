package precedence

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// policies counts the threads of the process by how they are scheduled.
func policies(t *testing.T) map[uint32]int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[uint32]int)
	for _, e := range entries {
		id, _ := strconv.Atoi(e.Name())
		attr, err := unix.SchedGetAttr(id, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all[attr.Policy]++
	}
	return all
}

// TestEveryThreadComesFirstAndGoesBack: with privilege. Without it nothing changes, and the error says what is missing.
func TestEveryThreadComesFirstAndGoesBack(t *testing.T) {
	nice, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	all, ok := ordinary()
	if !ok {
		t.Fatalf("the test runs with policy %d", nice.Policy)
	}
	changed, err := all.set(true)
	if errors.Is(err, unix.EPERM) {
		if got := policies(t); changed || got[unix.SCHED_RR] != 0 {
			t.Errorf("refused, and changed %v: %v", changed, got)
		}
		return
	}
	if err != nil || !changed {
		t.Fatalf("changed %v: %v", changed, err)
	}
	if _, ok := ordinary(); ok {
		t.Error("what somebody else chose would be changed")
	}
	for changed && err == nil { // one more when a thread has come meanwhile
		changed, err = all.set(true)
	}
	if got := policies(t); err != nil || len(got) != 1 || got[unix.SCHED_RR] < 2 {
		t.Errorf("threads by policy: %v, want %d alone: %v", got, unix.SCHED_RR, err)
	}
	for changed = true; changed && err == nil; {
		changed, err = all.set(false)
	}
	if got := policies(t); err != nil || len(got) != 1 || got[unix.SCHED_NORMAL] < 2 {
		t.Errorf("threads by policy: %v, want %d alone: %v", got, unix.SCHED_NORMAL, err)
	}
	if after, err := unix.SchedGetAttr(0, 0); err != nil || after.Nice != nice.Nice {
		t.Errorf("nice %d, was %d: %v", after.Nice, nice.Nice, err)
	}
}
