//go:build linux

package lab

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// PIDs returns the ids of this process and of all that run in the lab.
func (l *Lab) PIDs() ([]int, error) {
	members, err := l.members()
	return slices.Sorted(maps.Keys(members)), err
}

// members returns what the lab's processes have spent, in ticks.
func (l *Lab) members() (map[int]float64, error) {
	names, err := listNamespaces(l.claim.prefix + "-")
	if err != nil {
		return nil, err
	}
	ours := map[string]bool{}
	for _, name := range names {
		var stat unix.Stat_t
		if err := unix.Stat(filepath.Join(namespaces, name), &stat); err != nil {
			return nil, fmt.Errorf("look at namespace %s: %w", name, err)
		}
		ours[fmt.Sprintf("net:[%d]", stat.Ino)] = true
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := map[int]process{}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // has ended
		}
		network, _ := os.Readlink(filepath.Join(filepath.Dir(path), "ns", "net"))
		pid, p := parseProcess(string(stat))
		p.inside = ours[network] || pid == os.Getpid()
		all[pid] = p
	}
	return families(all), nil
}

// process is what the lab has to know of one.
type process struct {
	parent int
	inside bool // one of the lab's namespaces, or is this one
	ticks  float64
}

// parseProcess reads a line of /proc/<pid>/stat (proc_pid_stat(5)).
func parseProcess(stat string) (pid int, p process) {
	name, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')') // the name between them may hold anything
	fields := strings.Fields(stat[end+1:])                                      // from the third field on
	pid, _ = strconv.Atoi(strings.TrimSpace(stat[:name]))
	p.parent, _ = strconv.Atoi(fields[1])
	p.ticks = number(fields[11]) + number(fields[12])
	return pid, p
}

// families returns what those inside and all of their descendants have spent: Firefox has processes in namespaces of its own.
func families(all map[int]process) map[int]float64 {
	lab := map[int]float64{}
	for pid, p := range all {
		for at, generations := p, 0; generations < len(all); generations++ {
			if at.inside {
				lab[pid] = p.ticks
				break
			}
			parent, ok := all[at.parent]
			if !ok {
				break
			}
			at = parent
		}
	}
	return lab
}
