package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// RSS returns the resident memory of the process in bytes (VmRSS in proc(5)).
func RSS(pid int) (int64, error) { return resident(pid, "VmRSS") }

// Own is the part of RSS that is the process's own, and not of a file as its program is (RssAnon).
func Own(pid int) (int64, error) { return resident(pid, "RssAnon") }

func resident(pid int, name string) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	return parseResident(raw, name)
}

func parseResident(status []byte, name string) (int64, error) {
	for line := range bytes.Lines(status) {
		value, ok := bytes.CutPrefix(line, []byte(name+":"))
		if !ok {
			continue
		}
		fields := bytes.Fields(value)
		if len(fields) != 2 || string(fields[1]) != "kB" {
			return 0, fmt.Errorf("read memory: %s is %q", name, value)
		}
		n, err := strconv.ParseInt(string(fields[0]), 10, 64)
		return n << 10, err
	}
	return 0, fmt.Errorf("read memory: status has no %s", name)
}
