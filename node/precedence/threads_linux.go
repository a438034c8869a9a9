package precedence

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// threads are those of the process. They are listed by a folder that stays open: when descriptors run out, which a storm may do, they
// can be made ordinary all the same.
type threads struct{ folder *os.File }

// list returns the threads, or why they are not for us to change: somebody has chosen how they are scheduled. It is errFirst when that
// is in real time.
func list() (*threads, error) {
	attr, err := unix.SchedGetAttr(0, 0)
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask how threads are scheduled: %w", err)
	case attr.Policy == unix.SCHED_FIFO || attr.Policy == unix.SCHED_RR:
		return nil, errFirst
	case attr.Policy != unix.SCHED_NORMAL:
		return nil, fmt.Errorf("the node was given scheduling policy %d, which stays", attr.Policy)
	}
	self, err := os.Readlink("/proc/self")
	switch {
	case err != nil:
		return nil, fmt.Errorf("list threads: %w", err)
	case self != strconv.Itoa(os.Getpid()):
		return nil, fmt.Errorf("list threads: the process is %d, and /proc, of another namespace, says %s", os.Getpid(), self)
	}
	folder, err := os.Open("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	return &threads{folder}, nil
}

func (t *threads) close() { _ = t.folder.Close() }

// ids returns the threads of now.
func (t *threads) ids() (all []int, err error) {
	var names []string
	if _, err = t.folder.Seek(0, io.SeekStart); err == nil {
		names, err = t.folder.Readdirnames(-1)
	}
	for _, name := range names {
		id, wrong := strconv.Atoi(name)
		if wrong != nil {
			return nil, fmt.Errorf("list threads: %w", wrong)
		}
		all = append(all, id)
	}
	if err != nil {
		return nil, fmt.Errorf("list threads: %w", err)
	}
	return all, nil
}

// set has every thread come first, or makes it ordinary, and says whether there was one that was not so.
func (t *threads) set(first bool) (changed bool, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, err := t.ids()
	if err != nil {
		return false, err
	}
	order(all, unix.Gettid(), first)
	return each(all, func(id int) (bool, error) { return setOne(id, first) })
}

// order moves the thread that does it: it must not wait for those who come first, so it is the first of them, and the last.
func order(all []int, self int, first bool) {
	to := 0
	if !first {
		to = len(all) - 1
	}
	if at := slices.Index(all, self); at >= 0 {
		all[to], all[at] = all[at], all[to]
	}
}

// each calls set for every thread, and returns the first error: what one refuses keeps none of the others from it. That a thread has ended is
// no error.
func each(all []int, set func(id int) (changed bool, err error)) (changed bool, err error) {
	for _, id := range all {
		switch new, failed := set(id); {
		case errors.Is(failed, unix.ESRCH):
		case failed != nil && err == nil:
			err = failed
		case new:
			changed = true
		}
	}
	return changed, err
}

// level is the real-time priority of who comes first, the lowest.
const level = 1

// setOne is set for one thread, 0 for the calling one. What somebody else has chosen for it stays.
func setOne(id int, first bool) (changed bool, err error) {
	is, err := unix.SchedGetAttr(id, 0)
	if err != nil {
		return false, fmt.Errorf("ask how a thread is scheduled: %w", err)
	}
	ordinary, raised := is.Policy == unix.SCHED_NORMAL, is.Policy == unix.SCHED_RR && is.Priority == level
	if first && !ordinary || !first && !raised {
		return false, nil
	}
	// It keeps its nice value meanwhile, and without it there is no way back.
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, id) // 20 less the nice value
	if err != nil {
		return false, fmt.Errorf("ask for the priority of a thread: %w", err)
	}
	want := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: int32(20 - raw)}
	if first {
		want = unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: level}
	}
	want.Flags = is.Flags & unix.SCHED_FLAG_RESET_ON_FORK
	switch err := unix.SchedSetAttr(id, &want, 0); {
	case err == nil:
		return true, nil
	case first:
		return false, fmt.Errorf("schedule threads in real time, which needs CAP_SYS_NICE or an RLIMIT_RTPRIO of 1: %w", err)
	default:
		return false, fmt.Errorf("schedule a thread as it was: %w", err)
	}
}

// Permitted returns why the node may not come first, nil when it may.
func Permitted() error {
	t, err := list()
	if errors.Is(err, errFirst) {
		return nil
	}
	if err != nil {
		return err
	}
	t.close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, first := range []bool{true, false} {
		if _, err := setOne(0, first); err != nil {
			return err
		}
	}
	return nil
}
