package precedence

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pass lets as many looks pass, and what they do end.
func pass(looks time.Duration) {
	time.Sleep(looks * look)
	synctest.Wait()
}

// TestThreadsThatComeLater: while somebody joins threads are looked at again and again, and after that for a while.
func TestThreadsThatComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var joining atomic.Bool
		var calls []bool
		raised := false
		go run(ctx, slog.New(slog.DiscardHandler), joining.Load, func(first bool) (bool, error) {
			changed := first != raised
			calls, raised = append(calls, first), first
			return changed, nil
		})
		for _, s := range []struct {
			joining bool
			looks   time.Duration
			want    []bool
		}{
			{false, 3, nil},
			{true, 1, []bool{true}},
			{true, 2 * calm, slices.Repeat([]bool{true}, 2*calm)},
			{false, 3 * calm, slices.Repeat([]bool{false}, 1+calm)},
		} {
			calls = nil
			joining.Store(s.joining)
			pass(s.looks)
			if !slices.Equal(calls, s.want) {
				t.Errorf("joining %v, %d looks: %v, want %v", s.joining, s.looks, calls, s.want)
			}
		}
		joining.Store(true)
		pass(1)
		cancel()
		synctest.Wait()
		if last := calls[len(calls)-2:]; !slices.Equal(last, []bool{true, false}) {
			t.Errorf("at the end: %v, want the threads as they were", last)
		}
	})
}

// TestAThreadThatIsListedLate, after a look that found none, goes back too, and then it is looked as long again.
func TestAThreadThatIsListedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var joining atomic.Bool
		const last = 10 // look that finds one more
		var looks int
		go run(ctx, slog.New(slog.DiscardHandler), joining.Load, func(first bool) (bool, error) {
			if first {
				looks = 0
				return true, nil
			}
			looks++
			return looks == 1 || looks == last, nil
		})
		joining.Store(true)
		pass(1)
		joining.Store(false)
		pass(5 * calm)
		if looks != last+calm {
			t.Errorf("looked %d times after the last that was found, want %d", looks-last, calm)
		}
		cancel()
	})
}

// TestAThreadThatIsListedMuchLater goes back too: it is looked now and then for as long as the node runs, once it came first.
func TestAThreadThatIsListedMuchLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var joining, raised atomic.Bool
		var looks atomic.Int32
		go run(ctx, slog.New(slog.DiscardHandler), joining.Load, func(first bool) (bool, error) {
			looks.Add(1)
			return raised.Swap(first) != first, nil
		})
		pass(10 * rarely)
		if n := looks.Load(); n != 0 {
			t.Errorf("looked %d times, and it has never come first", n)
		}
		joining.Store(true)
		pass(1)
		joining.Store(false)
		pass(2 * calm)
		raised.Store(true) // one more
		pass(rarely)
		if raised.Load() {
			t.Error("a thread still comes first")
		}
		looks.Store(0)
		pass(10 * rarely)
		if n := looks.Load(); n < 9 || n > 11+calm {
			t.Errorf("looked %d times in ten times as long", n)
		}
		cancel()
	})
}

// TestARefusalIsSaidOnce, tried again, and whatever was done before it is undone.
func TestARefusalIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var log strings.Builder
		var joining, raised atomic.Bool
		tries := 0
		go run(ctx, slog.New(slog.NewTextHandler(&log, nil)), joining.Load, func(first bool) (bool, error) {
			if first {
				raised.Store(true) // some of them
				tries++
				return true, errors.New("not permitted")
			}
			return raised.Swap(false), nil
		})
		for range 2 {
			joining.Store(true)
			pass(3)
			joining.Store(false)
			pass(3)
			if raised.Load() {
				t.Error("some threads still come first")
			}
		}
		if n := strings.Count(log.String(), "not permitted"); n != 1 || tries != 6 {
			t.Errorf("said %d times, tried %d times:\n%s", n, tries, log.String())
		}
		cancel()
	})
}

// TestWhoCannotGoBackTriesUntilItCan: a thread that comes first for ever would be worse than one that never does.
func TestWhoCannotGoBackTriesUntilItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var joining, raised atomic.Bool
		var log strings.Builder
		var refusal error
		failures := 2 * calm
		go run(ctx, slog.New(slog.NewTextHandler(&log, nil)), joining.Load, func(first bool) (bool, error) {
			if first {
				raised.Store(true)
				return true, refusal
			}
			if failures--; failures >= 0 {
				return false, errors.New("not now")
			}
			return raised.Swap(false), nil
		})
		joining.Store(true)
		pass(1)
		joining.Store(false)
		pass(2 * calm)
		if !raised.Load() {
			t.Error("it is not shown that it fails")
		}
		pass(2)
		if raised.Load() {
			t.Error("the threads still come first")
		}
		refusal = errors.New("not all")
		joining.Store(true)
		pass(2)
		if got := log.String(); strings.Count(got, "not all") != 1 || strings.Count(got, "not now") != 1 {
			t.Errorf("said:\n%s\nwant both, once each", got)
		}
		cancel()
	})
}
