//go:build !race

package link

import (
	"testing"
	"time"
)

// With the race detector a pool loses one of four.
func TestOutboxAllocatesNothing(t *testing.T) {
	now := time.Unix(1000, 0)
	o := newOutbox(new(tally))
	packet := make([]byte, 1200)
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Millisecond)
		o.put(now, Video, packet)
		o.put(now, Audio, packet)
		for range 2 {
			data, _ := o.get(now)
			release(data)
		}
	}); n > 0.5 { // a pool may lose some
		t.Errorf("%v allocations", n)
	}
}
