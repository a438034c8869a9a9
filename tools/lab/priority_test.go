//go:build lab && linux

package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// TestBrowsersComeLast checks that no thread of a browser in a call comes before a node's: all have a nice value of 5 or more, none is
// in real time.
func TestBrowsersComeLast(t *testing.T) {
	for _, engine := range []string{"chromium", "firefox"} {
		t.Run(engine, func(t *testing.T) {
			l := lab.New(t, pair(wan.Impairment{Delay: 20 * ms}))
			loop(t, l, engine, false)
			pids, err := l.PIDs()
			if err != nil {
				t.Fatal(err)
			}
			threads := 0
			for _, pid := range pids {
				if pid == os.Getpid() {
					continue
				}
				stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range stats {
					stat, err := os.ReadFile(path)
					if err != nil {
						continue // has ended
					}
					// The name is in parentheses and may hold anything. The nice value is the 17th after it, the policy the 39th: 0 is
					// SCHED_OTHER, 3 SCHED_BATCH, 5 SCHED_IDLE.
					end := strings.LastIndexByte(string(stat), ')') + 1
					fields := strings.Fields(string(stat[end:]))
					nice, err := strconv.Atoi(fields[16])
					if err != nil {
						t.Fatal(err)
					}
					threads++
					if policy := fields[38]; nice < 5 || policy != "0" && policy != "3" && policy != "5" {
						t.Errorf("a thread has the nice value %d and the policy %s: %s", nice, policy, stat[:end])
					}
				}
			}
			if threads < 100 {
				t.Errorf("looked at %d threads, want those of a browser", threads)
			}
			t.Logf("%d threads of %d processes", threads, len(pids)-1)
		})
	}
}
