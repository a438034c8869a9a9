package load

import "time"

// histogram counts latencies in steps of a quarter of a millisecond up to a quarter of a second; what is longer falls
// into the last step.
type histogram struct {
	steps [1000]uint32
	total int64
}

const histogramStep = 250 * time.Microsecond

func (h *histogram) add(d time.Duration) {
	h.steps[min(max(0, int(d/histogramStep)), len(h.steps)-1)]++
	h.total++
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.steps {
		h.steps[i] += n
	}
	h.total += o.total
}

// quantile returns the upper end of the step that holds the given part of the latencies, 0 when there are none.
func (h *histogram) quantile(part float64) time.Duration {
	rank, seen := int64(part*float64(h.total)), int64(0)
	for i, n := range h.steps {
		if seen += int64(n); seen > rank {
			return time.Duration(i+1) * histogramStep
		}
	}
	return 0
}
