package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// queued returns how long the threads of a process that are alive stood in a queue for a core, 0 where the kernel does not say.
func queued(pid int) (sum time.Duration) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // the thread is gone
		}
		var ran, waited int64
		if _, err := fmt.Sscan(string(raw), &ran, &waited); err == nil {
			sum += time.Duration(waited)
		}
	}
	return sum
}
