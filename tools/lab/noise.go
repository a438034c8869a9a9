//go:build linux

package lab

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Load is how many cores were used on average over a span of time.
type Load struct {
	Lab    float64 // by what runs in the lab with all that it started, and by this process with its emulator
	Others float64 // by everything else on the machine, with what the hypervisor kept for itself
	// Late is the longest that a packet waited for the emulator, which is never on a network.
	Late time.Duration
}

// Load measures the machine while f runs. A process that ends in between counts as another's from its last reading on.
func (l *Lab) Load(f func()) (Load, error) {
	before, err := l.spent()
	if err != nil {
		return Load{}, fmt.Errorf("measure load: %w", err)
	}
	l.emulator.Late()
	f()
	late := l.emulator.Late()
	after, err := l.spent()
	if err != nil {
		return Load{}, fmt.Errorf("measure load: %w", err)
	}
	var ours float64
	for pid, spent := range after.lab {
		ours += max(0, spent-before.lab[pid])
	}
	used := after.used - before.used
	// Looking takes its time on a full machine, and counts: the kernel's own count of time is what the shares are of.
	span := max(1, used+after.idle-before.idle) / float64(runtime.NumCPU())
	return Load{Lab: ours / span, Others: max(0, used-ours) / span, Late: late}, nil
}

// spending is processor time up to a moment, in ticks.
type spending struct {
	lab        map[int]float64 // of the lab's processes by their ids
	used, idle float64         // of the machine
}

// spent reads what has been spent.
func (l *Lab) spent() (spending, error) {
	members, err := l.members()
	if err != nil {
		return spending{}, err
	}
	s := spending{lab: members}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return spending{}, err
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	// cpu user nice system idle iowait irq softirq steal guest guest_nice; the guests are within user and nice.
	for k, field := range strings.Fields(line)[1:9] {
		if k == 3 || k == 4 {
			s.idle += number(field)
		} else {
			s.used += number(field)
		}
	}
	return s, nil
}

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

func number(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64) // of the kernel's own writing
	return v
}
