package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// stragglers is how long packets of a window may still arrive after its end, while publishing goes on.
const stragglers = 300 * time.Millisecond

// Measure publishes for warm and then for d, and returns what the server spent and delivered in d.
func (t *Target) Measure(ctx context.Context, warm, d time.Duration) (Window, error) {
	ctx, cancel := context.WithCancel(ctx)
	var (
		traffic sync.WaitGroup
		sent    sentCounter
		failed  error
	)
	traffic.Go(func() { t.reports(ctx) })
	traffic.Go(func() {
		failed = Publish(ctx, t.source, t.publisher, t.keyframes, sent.add)
		cancel()
	})
	w, err := t.window(ctx, warm, d, &sent)
	cancel()
	traffic.Wait()
	if err := errors.Join(failed, err); err != nil {
		return Window{}, fmt.Errorf("measure %s: %w", t.Name, err)
	}
	return w, nil
}

func (t *Target) window(ctx context.Context, warm, d time.Duration, sent *sentCounter) (Window, error) {
	if err := rest(ctx, warm); err != nil {
		return Window{}, err
	}
	from := time.Now()
	sent.open(from)
	for _, r := range t.receivers {
		r.open(from)
	}
	before, err := CPU(t.PID)
	if err == nil {
		err = rest(ctx, d)
	}
	if err != nil {
		return Window{}, err
	}
	after, err := CPU(t.PID)
	if err != nil {
		return Window{}, err
	}
	to := time.Now()
	for _, r := range t.receivers {
		r.close(to)
	}
	if err := rest(ctx, stragglers); err != nil {
		return Window{}, err
	}
	w := Window{CPU: after - before, Elapsed: to.Sub(from), Receivers: len(t.receivers), Published: sent.close(to)}
	var latency histogram
	for _, r := range t.receivers {
		w.Delivered += r.counted(&latency)
	}
	w.P50, w.P99 = latency.quantile(0.5), latency.quantile(0.99)
	return w, nil
}

// reports lets each receiver report once a second, one after the other.
func (t *Target) reports(ctx context.Context) {
	if len(t.receivers) == 0 {
		return
	}
	ticker := time.NewTicker(time.Second / time.Duration(len(t.receivers)))
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % len(t.receivers) {
		select {
		case <-ticker.C:
			t.report(i)
		case <-ctx.Done():
			return
		}
	}
}

// sentCounter keeps the stamps of what was published since open.
type sentCounter struct {
	mu     sync.Mutex
	from   time.Time
	stamps []time.Time
}

func (c *sentCounter) open(from time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from, c.stamps = from, c.stamps[:0]
}

func (c *sentCounter) add(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.from.IsZero() {
		c.stamps = append(c.stamps, at)
	}
}

// close returns how many were sent from open until to.
func (c *sentCounter) close(to time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := span{c.from, to}
	outside := len(slices.DeleteFunc(slices.Clone(c.stamps), s.holds))
	n := int64(len(c.stamps) - outside)
	c.from = time.Time{}
	return n
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
