package bench

import (
	"fmt"
	"os"
	"strconv"

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
