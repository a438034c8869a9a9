package load

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the user and system time that all threads of the process used so far, in nanoseconds rather than in the
// ticks of /proc: it reads the process's CPU clock, as clock_getcpuclockid(3) names it.
func CPU(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED: run time as the scheduler counts it
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &ts); err != nil {
		return 0, fmt.Errorf("read cpu time of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}
