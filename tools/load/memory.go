package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// RSS returns the resident memory of the process in bytes (VmRSS in proc(5)).
func RSS(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	return parseRSS(raw)
}

func parseRSS(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		value, ok := bytes.CutPrefix(line, []byte("VmRSS:"))
		if !ok {
			continue
		}
		fields := bytes.Fields(value)
		if len(fields) != 2 || string(fields[1]) != "kB" {
			return 0, fmt.Errorf("read memory: VmRSS is %q", value)
		}
		n, err := strconv.ParseInt(string(fields[0]), 10, 64)
		return n << 10, err
	}
	return 0, fmt.Errorf("read memory: status has no VmRSS")
}
