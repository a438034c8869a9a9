package room

import (
	"fmt"
	"time"
)

// Time is a hybrid logical time: milliseconds since 1970 in the upper 48 bits, a counter in the lower 16. What was stamped
// after something else was seen has the greater time, also when the clocks of the two nodes disagree.
type Time uint64

// Drift is how far ahead of the own clock a time from another node may be. What is beyond is refused.
const Drift = 60 * time.Second

// At returns the time of the clock, with the counter 0.
func At(t time.Time) Time { return Time(uint64(max(t.UnixMilli(), 0)) << 16) }

// Clock returns t as a wall clock would show it, to the millisecond.
func (t Time) Clock() time.Time { return time.UnixMilli(int64(t >> 16)) }

// String shows the clock and the counter.
func (t Time) String() string {
	return fmt.Sprintf("%s+%d", t.Clock().UTC().Format("15:04:05.000"), uint16(t))
}
