package precedence

import (
	"errors"
	"os"
	"runtime"
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

// listed returns the threads of the test.
func listed(t *testing.T) *threads {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(all.close)
	return all
}

// settle calls set until nothing changes: one thread more when it has come meanwhile.
func settle(all *threads, first bool) error {
	for {
		if changed, err := all.set(first); !changed || err != nil {
			return err
		}
	}
}

// thread starts a thread of this nice value, and returns how it is scheduled when asked.
func thread(t *testing.T, nice int) (scheduled func() *unix.SchedAttr) {
	t.Helper()
	ask, answer := make(chan struct{}), make(chan *unix.SchedAttr)
	t.Cleanup(func() { close(ask) })
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, nice); err != nil {
			t.Error(err)
		}
		for range ask {
			attr, err := unix.SchedGetAttr(0, 0)
			if err != nil {
				t.Error(err)
			}
			answer <- attr
		}
	}()
	return func() *unix.SchedAttr {
		ask <- struct{}{}
		return <-answer
	}
}

// TestEveryThreadComesFirstAndGoesBack: with privilege. Without it nothing changes, and the error says what is missing.
func TestEveryThreadComesFirstAndGoesBack(t *testing.T) {
	all := listed(t)
	other := thread(t, 5)
	before := other().Nice
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
	if _, err := list(); !errors.Is(err, errFirst) {
		t.Errorf("what somebody else chose would be changed: %v", err)
	}
	if Permitted() != nil {
		t.Error("who comes first is not permitted to")
	}
	err = settle(all, true)
	if got := policies(t); err != nil || len(got) != 1 || got[unix.SCHED_RR] < 2 {
		t.Errorf("threads by policy: %v, want %d alone: %v", got, unix.SCHED_RR, err)
	}
	err = settle(all, false)
	if got := policies(t); err != nil || len(got) != 1 || got[unix.SCHED_NORMAL] < 2 {
		t.Errorf("threads by policy: %v, want %d alone: %v", got, unix.SCHED_NORMAL, err)
	}
	if after := other().Nice; before != 5 || after != before {
		t.Errorf("nice %d, was %d", after, before)
	}
}

// TestThreadsGoBackWithoutDescriptors: a storm may take them all.
func TestThreadsGoBackWithoutDescriptors(t *testing.T) {
	all := listed(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	_ = settle(all, true)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	err := settle(all, false)
	if restored := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); restored != nil {
		t.Fatal(restored)
	}
	if got := policies(t); err != nil || got[unix.SCHED_RR] != 0 {
		t.Errorf("threads by policy: %v: %v", got, err)
	}
}

// TestWhetherItIsPermittedIsTriedAndUndone: the answer is that of the real attempt, and no thread stays first for the question.
func TestWhetherItIsPermittedIsTriedAndUndone(t *testing.T) {
	all := listed(t)
	_, want := all.set(true)
	if err := settle(all, false); err != nil {
		t.Fatal(err)
	}
	got := Permitted()
	if (got == nil) != (want == nil) {
		t.Errorf("permitted: %v; when it is done: %v", got, want)
	}
	if now := policies(t); now[unix.SCHED_RR] != 0 {
		t.Errorf("threads by policy after the question: %v", now)
	}
}
