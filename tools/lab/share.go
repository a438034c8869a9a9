//go:build linux

package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A lab asks for ten times the processor share of anything else on the machine, because what browsers show depends on getting the
// processor in time. Its control group is named by its prefix; this process, whose emulator carries the packets, is in it, and what
// it starts is born there. Where control groups cannot be made the lab competes like everybody.
var shares = []struct{ folder, file, value string }{
	{"/sys/fs/cgroup/cpu", "cpu.shares", "10240"}, // version 1
	{"/sys/fs/cgroup", "cpu.weight", "1000"},      // version 2
}

// takeShare moves this process into a control group of its own.
func takeShare(prefix string) {
	for _, s := range shares {
		group := filepath.Join(s.folder, prefix)
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		if put(filepath.Join(group, s.file), s.value) == nil && enter(group) == nil {
			return
		}
		_ = os.Remove(group)
	}
}

// leaveShare removes the control group of a prefix, and moves this process back to where all groups hang if it is inside.
func leaveShare(prefix string) error {
	for _, s := range shares {
		group := filepath.Join(s.folder, prefix)
		members, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		if err != nil {
			continue // not made
		}
		for _, pid := range strings.Fields(string(members)) {
			if pid == strconv.Itoa(os.Getpid()) {
				if err := enter(s.folder); err != nil {
					return err
				}
			}
		}
		// The group is busy until the last process in it is gone for good.
		for end := time.Now().Add(3 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			err := os.Remove(group)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			if time.Now().After(end) {
				return err
			}
		}
	}
	return nil
}

// enter moves this process into a control group.
func enter(group string) error {
	return put(filepath.Join(group, "cgroup.procs"), strconv.Itoa(os.Getpid()))
}

// put writes into a file that has to be there.
func put(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
