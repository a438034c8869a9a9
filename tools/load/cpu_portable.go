//go:build !linux

package load

import (
	"errors"
	"time"
)

// CPU reads the CPU time of another process, on Linux only.
func CPU(int) (time.Duration, error) {
	return 0, errors.New("the cpu time of another process can be read on linux only")
}
