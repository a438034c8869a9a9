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
	t.Cleanup(func() { // what fails must not have the tests after it fail
		for quiet := 0; quiet < calm/2; quiet++ {
			if changed, _ := all.set(false); changed {
				quiet = 0
			}
			time.Sleep(look / 10)
		}
		all.close()
	})
	return all
}

// settle calls set, as [run] does, until as many looks in a row found nothing to do. Then every thread is scheduled by this policy.
func settle(t *testing.T, all *threads, first bool, policy uint32) {
	t.Helper()
	for quiet := 0; quiet < calm; {
		changed, err := all.set(first)
		if err != nil {
			t.Fatal(err)
		}
		if quiet++; changed {
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
	runtime.LockOSThread() // one that was being made meanwhile may be listed after the first set
	defer runtime.UnlockOSThread()
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
	if got := other().Policy; got != unix.SCHED_RR {
		t.Errorf("another thread has policy %d, want %d", got, unix.SCHED_RR)
	}
	settle(t, all, false, unix.SCHED_NORMAL)
	if got := other().Policy; got != unix.SCHED_NORMAL {
		t.Errorf("another thread has policy %d, want %d", got, unix.SCHED_NORMAL)
	}
	if after := other().Nice; before != 5 || after != before {
		t.Errorf("nice %d, was %d", after, before)
	}
}

// TestWhatSomebodyElseHasChosenStays, for one thread as for the whole process.
func TestWhatSomebodyElseHasChosenStays(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	choose := func(policy, priority uint32) error {
		return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority}, 0)
	}
	defer func() {
		if err := choose(unix.SCHED_NORMAL, 0); err != nil {
			t.Error(err)
		}
	}()
	for _, chosen := range []struct{ policy, priority uint32 }{{unix.SCHED_BATCH, 0}, {unix.SCHED_RR, level + 1}, {unix.SCHED_FIFO, level}} {
		err := choose(chosen.policy, chosen.priority)
		if errors.Is(err, unix.EPERM) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, first := range []bool{true, false} {
			changed, err := setOne(0, first)
			is, failed := unix.SchedGetAttr(0, 0)
			if changed || err != nil || failed != nil || is.Policy != chosen.policy || is.Priority != chosen.priority {
				t.Errorf("first %v, chosen %+v: changed %v to %+v: %v %v", first, chosen, changed, is, err, failed)
			}
		}
	}
}

// TestResetOnForkStays, which whoever started the node may have chosen (sched(7)).
func TestResetOnForkStays(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	chosen := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Flags: unix.SCHED_FLAG_RESET_ON_FORK}
	ordinary := chosen
	ordinary.Flags = 0
	if err := unix.SchedSetAttr(0, &chosen, 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.SchedSetAttr(0, &ordinary, 0) }() // which takes privilege
	for _, first := range []bool{true, false} {
		_, err := setOne(0, first)
		is, failed := unix.SchedGetAttr(0, 0)
		if err != nil && !errors.Is(err, unix.EPERM) || failed != nil || is.Flags&unix.SCHED_FLAG_RESET_ON_FORK == 0 {
			t.Errorf("first %v: %+v: %v %v", first, is, err, failed)
		}
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
