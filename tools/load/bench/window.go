package bench

import (
	"fmt"
	"slices"
	"time"
)

// Window is what one server did in one window.
type Window struct {
	CPU       time.Duration   `json:"cpu_ns"`      // of the server
	Each      []time.Duration `json:"cpu_each_ns"` // of its processes; of a cluster the first is where who sends is
	Elapsed   time.Duration   `json:"elapsed_ns"`
	Sent      int64           `json:"sent"`      // packets sent in the window
	Expected  int64           `json:"expected"`  // copies of them that receivers should get
	Delivered int64           `json:"delivered"` // copies of them that arrived, at whatever time
	Slipped   time.Duration   `json:"slipped_ns"`
	Waited    time.Duration   `json:"waited_ns"` // by the server's threads, for a core
	Allocated int64           `json:"allocated"` // objects, by the server
	P50       time.Duration   `json:"p50_ns"`    // of the time from sending to arrival at the receiver's socket
	P99       time.Duration   `json:"p99_ns"`
	Thrown    string          `json:"thrown_away,omitempty"` // why the window does not count
}

// A window in which more than this was given up of the plan, or less delivered of what was sent, says more about the generator than
// about the server.
const (
	mostSlipped    = 0.02
	leastDelivered = 0.99
	// A server that gets no core spends less on a packet: it finds more of them when it does.
	mostLatency = 20 * time.Millisecond
)

// PerPacket returns the CPU time of the server per packet that a receiver got.
func (w Window) PerPacket() time.Duration {
	if w.Delivered == 0 {
		return 0
	}
	return w.CPU / time.Duration(w.Delivered)
}

// Loss returns the part of the packets that did not arrive.
func (w Window) Loss() float64 {
	if w.Expected == 0 {
		return 1
	}
	return 1 - float64(w.Delivered)/float64(w.Expected)
}

// starved says why the window does not count, empty when it does.
func (w Window) starved() string {
	if part := w.Slipped.Seconds() / w.Elapsed.Seconds(); part > mostSlipped || w.Elapsed == 0 {
		return fmt.Sprintf("the generator was late with %.1f %% of the plan", 100*part)
	}
	if d := 1 - w.Loss(); d < leastDelivered {
		return fmt.Sprintf("%.1f %% was delivered", 100*d)
	}
	if w.P50 > mostLatency {
		return fmt.Sprintf("half of the packets took more than %v", mostLatency)
	}
	return ""
}

// Range is the least, the middle and the greatest of some values.
type Range[T time.Duration | float64] struct {
	Min    T `json:"min"`
	Median T `json:"median"`
	Max    T `json:"max"`
}

func rangeOf[T time.Duration | float64](values []T) (r Range[T]) {
	if len(values) == 0 {
		return r
	}
	values = slices.Sorted(slices.Values(values))
	middle := len(values) / 2
	r = Range[T]{values[0], values[middle], values[len(values)-1]}
	if len(values)%2 == 0 {
		r.Median = (values[middle-1] + values[middle]) / 2
	}
	return r
}

// quantile returns the value below or at which the given part of the values is, 0 when there are none.
func quantile[T time.Duration | float64](values []T, part float64) T {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	return values[min(len(values)-1, int(part*float64(len(values))))]
}
