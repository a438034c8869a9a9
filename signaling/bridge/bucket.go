package bridge

import "time"

// What a client may send: a second on average, and at once. The bytes of a broadcast go to everybody in the room, whose
// queues are as large as two bursts.
const (
	bucketRate  = 50 // messages
	bucketBurst = 200
	byteRate    = 64 << 10
	byteBurst   = 256 << 10
)

// bucket is a token bucket.
type bucket struct {
	rate, burst, tokens float64
	filled              time.Time
}

func newBucket(now time.Time, rate, burst float64) *bucket {
	return &bucket{rate: rate, burst: burst, tokens: burst, filled: now}
}

// take reports whether n more are within the rate.
func (b *bucket) take(now time.Time, n int) bool {
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.filled).Seconds())
	b.filled = now
	if b.tokens < float64(n) {
		return false
	}
	b.tokens -= float64(n)
	return true
}
