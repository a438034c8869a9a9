package sfu

import (
	"math"
	"time"
)

// stamp is a time in a third of the memory: nanoseconds since 1970, 0 for none. There is one for each thing that each participant gets of
// each other.
type stamp int64

func stampOf(t time.Time) stamp { return stamp(t.UnixNano()) }

func (s stamp) time() time.Time { return time.Unix(0, int64(s)) }

// age returns how long ago s was. None, and what lies ahead because the clock was set back, is as old as can be.
func (s stamp) age(now time.Time) time.Duration {
	age := now.UnixNano() - int64(s)
	if s == 0 || age < 0 {
		return math.MaxInt64
	}
	return time.Duration(age)
}
