package stream

import "time"

// bucket is a rate with a burst. Its zero value with rate and burst set is full.
type bucket struct {
	rate, burst float64 // tokens per second, tokens
	spent       float64 // tokens missing at last; more than burst is debt
	last        time.Time
}

// take takes n tokens, going into debt where there are not as many, and returns when the debt is paid: 0 for no debt.
func (b *bucket) take(now time.Time, n int) time.Duration {
	b.refill(now)
	b.spent += float64(n)
	if debt := b.spent - b.burst; debt > 0 {
		return time.Duration(debt / b.rate * float64(time.Second))
	}
	return 0
}

// try takes one token if there is one.
func (b *bucket) try(now time.Time) bool {
	b.refill(now)
	if b.spent+1 > b.burst {
		return false
	}
	b.spent++
	return true
}

func (b *bucket) full() bool { return b.spent == 0 }

func (b *bucket) refill(now time.Time) {
	if elapsed := now.Sub(b.last); elapsed > 0 {
		b.spent = max(0, b.spent-elapsed.Seconds()*b.rate)
		b.last = now
	}
}
