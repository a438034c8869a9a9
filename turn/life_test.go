package turn

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/atoll-mesh/atoll/turn/credential"
)

// TestAllocationEndsWithoutRefresh: ten minutes when nothing was asked for, never more than an hour.
func TestAllocationEndsWithoutRefresh(t *testing.T) {
	for way := range ways {
		for ask, lives := range map[lifetime]time.Duration{600: 10 * time.Minute, 60: time.Minute, 3599: 3599 * time.Second, 1 << 31: 10 * time.Minute} {
			in(t, nil, func(w *world) {
				username, password := w.key.Issue(time.Now(), "ann")
				r := w.raw(w.newHost(), way, username, password)
				defer r.conn.Close()
				if got := code(r.ask(r.request(stun.MethodAllocate, true, ask))); got != 0 {
					t.Fatalf("%s, %d s: answered %d", way, ask, got)
				}
				time.Sleep(lives - time.Second)
				if n := w.server.Stats().Allocations; n != 1 {
					t.Errorf("%s, %d s: %d allocations before its end", way, ask, n)
				}
				time.Sleep(2 * time.Second)
				if n := w.server.Stats().Allocations; n != 0 {
					t.Errorf("%s, %d s: %d allocations after its end", way, ask, n)
				}
				time.Sleep(farewellTime)
				if n := w.server.Stats().Streams; n != 0 {
					t.Errorf("%s, %d s: its stream is still there", way, ask)
				}
			})
		}
	}
}

// TestMeetingLongerThanItsCredential refreshes for as long as it is let: past the credential's end, and not for ever.
func TestMeetingLongerThanItsCredential(t *testing.T) {
	in(t, nil, func(w *world) {
		username, password := w.key.Issue(time.Now(), "ann")
		r := w.raw(w.newHost(), "TCP", username, password)
		defer r.conn.Close()
		if got := code(r.ask(r.request(stun.MethodAllocate, true))); got != 0 {
			t.Fatalf("answered %d", got)
		}
		begun := time.Now()
		for {
			time.Sleep(5 * time.Minute)
			answer := r.ask(r.request(stun.MethodRefresh, true))
			if code(answer) == 438 {
				if err := r.nonce.GetFrom(answer); err != nil {
					t.Fatal(err)
				}
				answer = r.ask(r.request(stun.MethodRefresh, true))
			}
			if code(answer) != 0 {
				break
			}
			if time.Since(begun) > 100*time.Hour {
				t.Fatal("it is refreshed for ever")
			}
		}
		lived := time.Since(begun)
		if bound := credential.Lifetime + credential.Grace; lived < bound || lived > bound+6*time.Minute {
			t.Errorf("refused after %v, want %v", lived, bound)
		}
		time.Sleep(10 * time.Minute)
		if s := w.server.Stats(); s.Allocations != 0 || s.Expired == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestStreamTakesItsAllocationAlong: who hangs up has no relay any more.
func TestStreamTakesItsAllocationAlong(t *testing.T) {
	in(t, nil, func(w *world) {
		username, password := w.key.Issue(time.Now(), "ann")
		r := w.raw(w.newHost(), "TLS", username, password)
		if got := code(r.ask(r.request(stun.MethodAllocate, true))); got != 0 {
			t.Fatalf("answered %d", got)
		}
		_ = r.conn.Close()
		time.Sleep(time.Second)
		if s := w.server.Stats(); s.Allocations != 0 || s.Streams != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestServerAndReaderCloseAStream: the server is closed while a client hangs up, and has nothing to complain of.
func TestServerAndReaderCloseAStream(t *testing.T) {
	in(t, nil, func(w *world) {
		for _, way := range []string{"TCP", "TLS"} {
			username, password := w.key.Issue(time.Now(), way)
			r := w.raw(w.newHost(), way, username, password)
			defer r.conn.Close()
			if got := code(r.ask(r.request(stun.MethodAllocate, true))); got != 0 {
				t.Fatalf("answered %d", got)
			}
			w.server.mu.Lock()
			all := slices.Collect(maps.Values(w.server.conns))
			w.server.mu.Unlock()
			if len(all) != 1 {
				t.Fatalf("%d streams", len(all))
			}
			for range 2 {
				if err := all[0].Close(); err != nil {
					t.Errorf("%s: %v", way, err)
				}
			}
		}
	})
}

// TestCloseEndsEverything closes the server under clients that talk.
func TestCloseEndsEverything(t *testing.T) {
	in(t, nil, func(w *world) {
		for way := range ways {
			username, password := w.key.Issue(time.Now(), way)
			r := w.raw(w.newHost(), way, username, password)
			defer r.conn.Close()
			if got := code(r.ask(r.request(stun.MethodAllocate, true))); got != 0 {
				t.Fatalf("answered %d", got)
			}
		}
		if n := w.server.Stats().Allocations; n != len(ways) {
			t.Errorf("%d allocations", n)
		}
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
		if s := w.server.Stats(); s.Allocations != 0 || s.Streams != 0 {
			t.Errorf("%+v", s)
		}
		if err := w.server.Close(); err != nil {
			t.Error("closed twice:", err)
		}
	})
}
