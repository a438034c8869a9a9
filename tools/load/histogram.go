package load

import "time"

// Histogram counts latencies in steps of 50 us up to a fifth of a second; what is longer falls into the last step.
type Histogram struct {
	steps [4000]uint32
	total int64
}

const histogramStep = 50 * time.Microsecond

func (h *Histogram) add(d time.Duration) {
	h.steps[min(max(0, int(d/histogramStep)), len(h.steps)-1)]++
	h.total++
}

func (h *Histogram) merge(o *Histogram) {
	for i, n := range o.steps {
		h.steps[i] += n
	}
	h.total += o.total
}

// Quantile returns the upper end of the step that holds the given part of the latencies, 0 when there are none.
func (h *Histogram) Quantile(part float64) time.Duration {
	rank, seen := int64(part*float64(h.total)), int64(0)
	for i, n := range h.steps {
		if seen += int64(n); seen > rank {
			return time.Duration(i+1) * histogramStep
		}
	}
	return 0
}
