package bridge

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBucket(now, bucketRate, bucketBurst)
	allowed := func() (n int) {
		for b.take(now, 1) {
			n++
		}
		return n
	}
	if n := allowed(); n != bucketBurst {
		t.Errorf("%d at once, want %d", n, bucketBurst)
	}
	now = now.Add(time.Second)
	if n := allowed(); n != bucketRate {
		t.Errorf("%d after a second, want %d", n, bucketRate)
	}
	now = now.Add(time.Hour)
	if n := allowed(); n != bucketBurst {
		t.Errorf("%d after an hour, want %d", n, bucketBurst)
	}
}
