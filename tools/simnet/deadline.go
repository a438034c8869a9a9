package simnet

import (
	"sync"
	"time"
)

// deadline wakes who waits at cond when it passes. The lock of the network is held when its methods are called.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) set(cond *sync.Cond, at time.Time) {
	d.stop()
	d.at = at
	if left := time.Until(at); !at.IsZero() && left > 0 {
		d.timer = time.AfterFunc(left, func() {
			cond.L.Lock()
			defer cond.L.Unlock()
			cond.Broadcast()
		})
	}
	cond.Broadcast()
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
