//go:build lab && linux

package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
	"github.com/google/go-cmp/cmp"
)

// traces lists what a lab leaves on a machine: namespaces, claims, work folders, control groups, processes by their own mark.
func traces(t *testing.T, mark string) (found []string) {
	t.Helper()
	for _, pattern := range []string{"/run/netns/*", "/run/atoll-lab/atl*", filepath.Join(os.TempDir(), "atoll-lab-*"), "/sys/fs/cgroup/cpu/atl*", "/sys/fs/cgroup/atl*"} {
		m, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, m...)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		if line, err := os.ReadFile(c); err == nil && slices.Contains(strings.Split(string(line), "\x00"), mark) {
			found = append(found, c)
		}
	}
	return found
}

// sleepTime is a number that no other process on the machine sleeps for.
func sleepTime(pid int) string { return fmt.Sprintf("86%09d", pid) }

func TestCloseLeavesNothing(t *testing.T) {
	if _, err := lab.Sweep(); err != nil {
		t.Fatal(err)
	}
	mark := sleepTime(os.Getpid())
	before := traces(t, mark)
	l, err := lab.Open(pair(wan.Impairment{}))
	if err != nil {
		t.Fatal(err)
	}
	// The shell's child is in its process group, and has to end with it.
	p, err := l.Node("eu").Start("sleep", "sh", "-c", "sleep "+mark+"; true")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(5*time.Second, childRuns(mark)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if diff := cmp.Diff(before, traces(t, mark)); diff != "" {
		t.Error(diff)
	}
}

// TestVictim is the child of TestSweepAfterKill: it opens a lab and waits for its end.
func TestVictim(t *testing.T) {
	mark := os.Getenv("ATOLL_LAB_VICTIM")
	if mark == "" {
		return
	}
	l := lab.New(t, pair(wan.Impairment{}))
	p, err := l.Node("eu").Start("sleep", "sh", "-c", "sleep "+mark+"; true")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(5*time.Second, childRuns(mark)); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nready %s\n", l.Prefix())
	select {}
}

func TestSweepAfterKill(t *testing.T) {
	if _, err := lab.Sweep(); err != nil {
		t.Fatal(err)
	}
	mark := sleepTime(os.Getpid())
	before := traces(t, mark)
	living := lab.New(t, lab.Topology{Regions: []lab.Region{{Name: "eu"}}})
	with := traces(t, mark)

	victim := exec.Command(os.Args[0], "-test.run=^TestVictim$", "-test.timeout=60s")
	victim.Env = append(os.Environ(), "ATOLL_LAB_VICTIM="+mark)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var prefix string
	for lines := bufio.NewScanner(out); prefix == "" && lines.Scan(); {
		prefix, _ = strings.CutPrefix(lines.Text(), "ready ")
		if prefix == lines.Text() {
			prefix = ""
		}
	}
	if prefix == "" {
		t.Fatal("the victim did not open its lab")
	}
	if err := victim.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	if left := traces(t, mark); len(left) < len(with)+8 {
		t.Fatalf("the victim left only %v: nothing to sweep", left)
	}
	removed, err := lab.Sweep()
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{prefix}, removed); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(with, traces(t, mark)); diff != "" {
		t.Error(diff)
	}
	if err := living.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, traces(t, mark)); diff != "" {
		t.Error(diff)
	}
}

// childRuns checks that a process with the mark as an argument exists.
func childRuns(mark string) func(context.Context) error {
	return func(context.Context) error {
		if err := exec.Command("pgrep", "-x", "-f", "sleep "+mark).Run(); err != nil {
			return fmt.Errorf("find sleep: %w", err)
		}
		return nil
	}
}
