//go:build linux

package lab

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Load is how many cores were used on average over a span of time.
type Load struct {
	Lab    float64 // by what runs in the lab, and by this process with its emulator
	Others float64 // by everything else on the machine, with what the hypervisor kept for itself
	// Late is the longest that a packet waited for the emulator, which is never on a network.
	Late time.Duration
}

// ticks is the kernel's clock for processor times (USER_HZ), the same on all of its architectures that we run on.
const ticks = 100

// Load measures the machine while f runs. A process that ends in between counts as another's from its last reading on.
func (l *Lab) Load(f func()) (Load, error) {
	allBefore, labBefore, err := l.spent()
	if err != nil {
		return Load{}, fmt.Errorf("measure load: %w", err)
	}
	begun := time.Now()
	l.emulator.Late()
	f()
	span, late := time.Since(begun).Seconds()*ticks, l.emulator.Late()
	allAfter, labAfter, err := l.spent()
	if err != nil {
		return Load{}, fmt.Errorf("measure load: %w", err)
	}
	var ours float64
	for pid, spent := range labAfter {
		ours += max(0, spent-labBefore[pid])
	}
	return Load{Lab: ours / span, Others: max(0, allAfter-allBefore-ours) / span, Late: late}, nil
}

// spent returns the processor time, in ticks, of the whole machine and of each process of the lab.
func (l *Lab) spent() (all float64, lab map[int]float64, err error) {
	lab = map[int]float64{}
	names, err := listNamespaces(l.claim.prefix + "-")
	if err != nil {
		return 0, nil, err
	}
	pids := []string{strconv.Itoa(os.Getpid())}
	for _, name := range names {
		out, err := exec.Command("ip", "netns", "pids", name).Output()
		if err != nil {
			return 0, nil, fmt.Errorf("list processes in %s: %w", name, err)
		}
		pids = append(pids, strings.Fields(string(out))...)
	}
	for _, p := range pids {
		stat, err := os.ReadFile("/proc/" + p + "/stat")
		if err != nil {
			continue // has ended
		}
		// The name is in parentheses and may hold anything; times in user and system mode are the 12th and 13th after it.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		pid, _ := strconv.Atoi(p)
		lab[pid] = number(fields[11]) + number(fields[12])
	}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, nil, err
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	// cpu user nice system idle iowait irq softirq steal guest guest_nice; the guests are within user and nice.
	for k, field := range strings.Fields(line)[1:9] {
		if k != 3 && k != 4 {
			all += number(field)
		}
	}
	return all, lab, nil
}

func number(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64) // of the kernel's own writing
	return v
}
