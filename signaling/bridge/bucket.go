package bridge

import "time"

const (
	bucketRate  = 50 // messages a second
	bucketBurst = 200
)

// bucket is a token bucket for what a client sends.
type bucket struct {
	tokens float64
	filled time.Time
}

func newBucket(now time.Time) *bucket { return &bucket{bucketBurst, now} }

// take reports whether one more message is within the rate.
func (b *bucket) take(now time.Time) bool {
	b.tokens = min(bucketBurst, b.tokens+bucketRate*now.Sub(b.filled).Seconds())
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
