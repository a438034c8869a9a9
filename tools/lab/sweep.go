//go:build linux

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Sweep removes what labs of dead processes left behind: their namespaces, the processes inside, their folders.
// It returns the prefixes it removed. Labs of living processes are not touched.
func Sweep() (removed []string, err error) {
	if err := needRoot(); err != nil {
		return nil, err
	}
	err = exclusively(func() error {
		var errs []error
		living := map[string]bool{}
		folders, err := os.ReadDir(claims)
		if err != nil {
			return err
		}
		for _, f := range folders {
			if !claimName.MatchString(f.Name()) {
				continue
			}
			c := &claim{prefix: f.Name()}
			c.lock, err = tryLock(filepath.Join(c.folder(), "lock"))
			if errors.Is(err, syscall.EWOULDBLOCK) {
				living[c.prefix] = true
				continue
			} else if err != nil {
				errs = append(errs, err)
				continue
			}
			errs = append(errs, removeNamespaces(c.prefix), leaveShare(c.prefix))
			if c.work, err = os.Readlink(filepath.Join(c.folder(), "work")); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
			errs = append(errs, c.release())
			removed = append(removed, c.prefix)
		}
		orphans, err := orphaned(living)
		errs = append(errs, err)
		for _, prefix := range orphans {
			errs = append(errs, removeNamespaces(prefix))
			removed = append(removed, prefix)
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return removed, fmt.Errorf("sweep stale labs: %w", err)
	}
	return removed, nil
}

// orphaned lists prefixes of namespaces that no claim stands for and whose process is dead.
func orphaned(living map[string]bool) (prefixes []string, err error) {
	names, err := listNamespaces("atl")
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, name := range names {
		m := namespaceName.FindStringSubmatch(name)
		if m == nil || living[m[1]] || seen[m[1]] {
			continue
		}
		if _, err := os.Stat("/proc/" + m[2]); err == nil {
			continue
		}
		seen[m[1]] = true
		prefixes = append(prefixes, m[1])
	}
	return prefixes, nil
}

func listNamespaces(prefix string) (names []string, err error) {
	entries, err := os.ReadDir(namespaces)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// removeNamespaces removes every namespace of a prefix and kills what runs inside.
func removeNamespaces(prefix string) error {
	names, err := listNamespaces(prefix + "-")
	if err != nil {
		return fmt.Errorf("list network namespaces: %w", err)
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, killInside(name), ip("netns", "del", name))
	}
	return errors.Join(errs...)
}

// killInside kills the processes of a namespace until there are none.
func killInside(name string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		out, err := exec.Command("ip", "netns", "pids", name).Output()
		if err != nil {
			return fmt.Errorf("list processes in %s: %w", name, err)
		}
		pids := strings.Fields(string(out))
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v in %s do not end", pids, name)
		}
		for _, p := range pids {
			// Our own threads that visit a namespace appear as our pid.
			if pid, err := strconv.Atoi(p); err == nil && pid != os.Getpid() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}
