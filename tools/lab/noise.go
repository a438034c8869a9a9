//go:build linux

package lab

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
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

func number(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64) // of the kernel's own writing
	return v
}
