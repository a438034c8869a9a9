package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Prefer sets the nice value of this process, and so of the servers that it starts: a machine that does other things as well
// starves them less. Below zero it needs privilege.
func Prefer(nice int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("set priority: %w", err)
	}
	for _, t := range tasks { // later threads have the value of the one that starts them
		id, err := strconv.Atoi(t.Name())
		if err == nil {
			err = unix.Setpriority(unix.PRIO_PROCESS, id, nice)
		}
		if err != nil {
			return fmt.Errorf("set priority %d: %w", nice, err)
		}
	}
	return nil
}

const autogroup = "/proc/self/autogroup"

// PreferSession does the same for the session that this process is in, where the kernel shares cores out among sessions first
// (sched(7), autogroup). What it returns takes that back.
func PreferSession(nice int) (back func(), err error) {
	raw, err := os.ReadFile(autogroup)
	if err != nil {
		return func() {}, nil // it does not
	}
	var before int
	if _, value, found := strings.Cut(string(raw), " nice "); !found {
		return func() {}, fmt.Errorf("read %s: it says %q", autogroup, raw)
	} else if before, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
		return func() {}, fmt.Errorf("read %s: %w", autogroup, err)
	}
	set := func(nice int) error { return os.WriteFile(autogroup, []byte(strconv.Itoa(nice)), 0) }
	if err := set(nice); err != nil {
		return func() {}, fmt.Errorf("set priority of the session: %w", err)
	}
	return func() { _ = set(before) }, nil
}
