//go:build !linux

package bench

import (
	"errors"
	"time"
)

// Prefer fails.
func Prefer(int) error { return errors.New("set priority: it needs Linux") }

func queued(int) time.Duration { return 0 }
