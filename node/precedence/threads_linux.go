package precedence

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// threads are those of the process.
type threads struct{ ordinary unix.SchedAttr }

// ordinary returns the threads, as they are scheduled now. It is not ok when somebody has chosen how: it is not for us to change then.
func ordinary() (t threads, ok bool) {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL {
		return threads{}, false
	}
	return threads{unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: attr.Nice}}, true
}

// set has every thread come first, or makes it ordinary, and says whether there was one that was not so.
func (t threads) set(first bool) (changed bool, err error) {
	want := t.ordinary
	if first {
		want = unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}
	}
	const tasks = "/proc/self/task"
	entries, err := os.ReadDir(tasks)
	if err != nil {
		return false, fmt.Errorf("list threads: %w", err)
	}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			return changed, fmt.Errorf("list threads: %w", err)
		}
		is, err := unix.SchedGetAttr(id, 0)
		if err == nil && is.Policy == want.Policy {
			continue
		}
		if err == nil {
			err = unix.SchedSetAttr(id, &want, 0)
		}
		if errors.Is(err, unix.ESRCH) { // it has ended
			continue
		}
		if err != nil {
			return changed, fmt.Errorf("schedule threads in real time, which needs CAP_SYS_NICE or an RLIMIT_RTPRIO of 1: %w", err)
		}
		changed = true
	}
	return changed, nil
}
