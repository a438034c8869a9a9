//go:build lab && linux

package lab_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// TestBrowsersComeLast checks that no thread of a browser in a call comes before a node's: all have a nice value of 5 or more.
func TestBrowsersComeLast(t *testing.T) {
	for _, engine := range []string{"chromium", "firefox"} {
		t.Run(engine, func(t *testing.T) {
			l := lab.New(t, pair(wan.Impairment{Delay: 20 * ms}))
			loop(t, l, engine, false)
			pids, err := exec.Command("ip", "netns", "pids", l.Client("eu").Name).Output()
			if err != nil {
				t.Fatal(err)
			}
			threads := 0
			for pid := range strings.FieldsSeq(string(pids)) {
				stats, err := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "stat"))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range stats {
					stat, err := os.ReadFile(path)
					if err != nil {
						continue // has ended
					}
					// The name is in parentheses and may hold anything; the nice value is the 17th after it.
					end := strings.LastIndexByte(string(stat), ')')
					nice, err := strconv.Atoi(strings.Fields(string(stat[end+1:]))[16])
					if err != nil {
						t.Fatal(err)
					}
					threads++
					if nice < 5 {
						t.Errorf("a thread has the nice value %d: %s", nice, stat[:end+1])
					}
				}
			}
			if threads < 50 {
				t.Errorf("looked at %d threads, want those of a browser", threads)
			}
			t.Logf("%d threads", threads)
		})
	}
}
