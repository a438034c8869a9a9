package precedence

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// policies counts the threads by how they are scheduled.
func policies(t *testing.T, all *threads) map[uint32]int {
	t.Helper()
	ids, err := all.ids()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[uint32]int)
	for _, id := range ids {
		attr, err := unix.SchedGetAttr(id, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		found[attr.Policy]++
	}
	return found
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

// settle calls set, as [run] does, until as many looks in a row found nothing to do. Then every thread is scheduled by this policy.
func settle(t *testing.T, all *threads, first bool, policy uint32) {
	t.Helper()
	for quiet := 0; quiet < calm; quiet++ {
		changed, err := all.set(first)
		if err != nil {
			t.Fatal(err)
		}
		if changed {
			quiet = 0
		}
		time.Sleep(look)
	}
	if got := policies(t, all); len(got) != 1 || got[policy] < 1 {
		t.Errorf("threads by policy: %v, want %d alone", got, policy)
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
		if got := policies(t, all); changed || got[unix.SCHED_RR] != 0 {
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
	settle(t, all, true, unix.SCHED_RR)
	settle(t, all, false, unix.SCHED_NORMAL)
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
	if _, err := all.set(true); err != nil && !errors.Is(err, unix.EPERM) {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}()
	settle(t, all, false, unix.SCHED_NORMAL)
}

// TestWhetherItIsPermittedIsTriedAndUndone: the answer is that of the real attempt, and no thread stays first for the question.
func TestWhetherItIsPermittedIsTriedAndUndone(t *testing.T) {
	all := listed(t)
	_, want := all.set(true)
	settle(t, all, false, unix.SCHED_NORMAL)
	got := Permitted()
	if (got == nil) != (want == nil) {
		t.Errorf("permitted: %v; when it is done: %v", got, want)
	}
	if now := policies(t, all); now[unix.SCHED_RR] != 0 {
		t.Errorf("threads by policy after the question: %v", now)
	}
}
