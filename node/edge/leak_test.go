package edge

import (
	"runtime"
	"testing"
)

// What clients leave behind is nothing: neither when they are closed nor when they vanish.
func TestClosingLeavesNothing(t *testing.T) {
	e := listen(t)
	round := func() {
		for i := range 5 {
			l, r, c := join(t, e)
			if i%2 == 0 {
				l.Close()
			} else {
				c.dtls.Close()
				r.wait("closed", func() bool { return r.reason != nil })
			}
			c.close()
		}
		l, err := e.NewLeg(newRecorder(t)) // that nobody comes to
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	round()
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() < 20 })
	before := runtime.NumGoroutine()
	round()
	round()
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	e.mu.RLock()
	if len(e.paths)+len(e.table)+len(e.legs) != 0 {
		t.Errorf("%d paths, %d addresses, %d legs are left", len(e.paths), len(e.table), len(e.legs))
	}
	e.mu.RUnlock()
	join(t, e)
	e.Close()
	if _, err := e.NewLeg(newRecorder(t)); err == nil {
		t.Error("a closed edge makes legs")
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+20 })
}
