package load

import (
	"fmt"
	"slices"
	"time"
)

// Window is what one target did in one window.
type Window struct {
	CPU       time.Duration `json:"cpu_ns"` // of the server
	Elapsed   time.Duration `json:"elapsed_ns"`
	Receivers int           `json:"receivers"`
	Published int64         `json:"published"` // packets sent in the window
	Delivered int64         `json:"delivered"` // copies of them that arrived, at whatever time
	P50       time.Duration `json:"p50_ns"`    // of the time from sending to arrival, scheduling of the generator included
	P99       time.Duration `json:"p99_ns"`
}

// A window in which less than this was published of the plan, or delivered of what was published, says more about the
// generator than about the server.
const (
	leastPublished = 0.98
	leastDelivered = 0.99
)

// PerPacket returns the CPU time of the server per packet that a receiver got.
func (w Window) PerPacket() time.Duration {
	if w.Delivered == 0 {
		return 0
	}
	return w.CPU / time.Duration(w.Delivered)
}

// published returns what was published, as a part of the plan.
func (w Window) published() float64 {
	return float64(w.Published) / (w.Elapsed.Seconds() * PacketsPerSecond)
}

// delivered returns what was delivered, as a part of what should have been.
func (w Window) delivered() float64 {
	if w.Published == 0 || w.Receivers == 0 {
		return 0
	}
	return float64(w.Delivered) / float64(w.Published*int64(w.Receivers))
}

// Loss returns the part of the packets that did not arrive.
func (w Window) Loss() float64 { return 1 - w.delivered() }

// Starved says why the window does not count, and returns nil when it does.
func (w Window) Starved() error {
	// A window holds a whole number of frames: one frame and one audio packet may fall outside at either end.
	const edge = PacketsPerFrame + 1
	plan := w.Elapsed.Seconds() * PacketsPerSecond
	if float64(w.Published)+edge < leastPublished*plan {
		return fmt.Errorf("published %.1f %% of the plan", 100*w.published())
	}
	if d := w.delivered(); d < leastDelivered {
		return fmt.Errorf("delivered %.1f %% of what was published", 100*d)
	}
	return nil
}

// Median returns the middle of the windows by CPU per packet, 0 when there are none.
func Median(windows []Window) time.Duration {
	costs := make([]time.Duration, len(windows))
	for i, w := range windows {
		costs[i] = w.PerPacket()
	}
	return median(costs)
}

func median[T time.Duration | float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	middle := len(values) / 2
	if len(values)%2 == 0 {
		return (values[middle-1] + values[middle]) / 2
	}
	return values[middle]
}
