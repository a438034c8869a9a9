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

// TestThreadsThatComeLater: while somebody joins threads are looked at again and again, and after that until all are ordinary.
func TestThreadsThatComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var joining atomic.Bool
		var calls []bool
		restless := 2 // threads found after that, one a time
		go run(ctx, slog.New(slog.DiscardHandler), joining.Load, func(first bool) (bool, error) {
			calls = append(calls, first)
			restless--
			return first || restless >= 0, nil
		})
		for _, s := range []struct {
			joining bool
			looks   int
			want    []bool
		}{
			{false, 3, nil},
			{true, 1, []bool{true}},
			{true, 2, []bool{true, true}},
			{false, 5, []bool{false}},
		} {
			calls = nil
			joining.Store(s.joining)
			time.Sleep(time.Duration(s.looks) * look)
			synctest.Wait()
			if !slices.Equal(calls, s.want) {
				t.Errorf("joining %v, %d looks: %v, want %v", s.joining, s.looks, calls, s.want)
			}
		}
		restless = 3
		calls = nil
		joining.Store(true)
		time.Sleep(look)
		synctest.Wait()
		joining.Store(false)
		time.Sleep(6 * look)
		synctest.Wait()
		if want := []bool{true, false, false, false}; !slices.Equal(calls, want) {
			t.Errorf("with threads that came at the end: %v, want %v", calls, want)
		}
		joining.Store(true)
		time.Sleep(look)
		synctest.Wait()
		cancel()
		synctest.Wait()
		if last := calls[len(calls)-2:]; !slices.Equal(last, []bool{true, false}) {
			t.Errorf("at the end: %v, want the threads as they were", last)
		}
	})
}

func TestARefusalIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		calls := 0
		run(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), func() bool { return true }, func(first bool) (bool, error) {
			calls++
			if first {
				return false, errors.New("not permitted")
			}
			return false, nil
		}) // returns
		if n := strings.Count(log.String(), "not permitted"); n != 1 || calls != 2 {
			t.Errorf("said %d times, asked %d times:\n%s", n, calls, log.String())
		}
	})
}
