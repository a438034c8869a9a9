//go:build linux

package emulator

import (
	"os"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// line drives one wan.Line: readers offer packets, one goroutine writes those that are due.
type line struct {
	mu   sync.Mutex
	line *wan.Line
	wake chan struct{}
	out  *os.File
	late time.Duration // longest that a packet was written after it was due, since it was asked
}

var packets = sync.Pool{New: func() any { return new([MTU]byte) }}

func (l *line) offer(now time.Time, packet []byte) {
	held := packets.Get().(*[MTU]byte)
	p := held[:copy(held[:], packet)]
	l.mu.Lock()
	idle := l.line.Next().IsZero()
	taken := l.line.Push(now, p)
	l.mu.Unlock()
	switch {
	case !taken:
		packets.Put(held)
	case idle:
		l.wakeUp()
	}
}

func (l *line) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *line) serve(stop <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next := l.deliver()
		var due <-chan time.Time
		if !next.IsZero() {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		select {
		case <-due:
		case <-l.wake:
		case <-stop:
			return
		}
	}
}

// deliver writes every packet that is due and returns when the next one is.
func (l *line) deliver() time.Time {
	for {
		l.mu.Lock()
		now, due := time.Now(), l.line.Next()
		packet, ok := l.line.Pop(now)
		if ok {
			l.late = max(l.late, now.Sub(due))
		}
		next := l.line.Next()
		l.mu.Unlock()
		if !ok {
			return next
		}
		// The far place may have its device down: then the packet is lost, as on any network.
		_, _ = l.out.Write(packet)
		packets.Put((*[MTU]byte)(packet[:MTU]))
	}
}
