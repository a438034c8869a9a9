package edge

import "time"

// instant is a time in one word: nanoseconds since the edge began, 0 for none. It is by the clock that nobody sets: when the time of day
// is corrected by a minute, nobody has been silent for it.
func (e *Edge) instant(t time.Time) int64 { return int64(t.Sub(e.began)) }

func (e *Edge) timeOf(instant int64) time.Time { return e.began.Add(time.Duration(instant)) }
