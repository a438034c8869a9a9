package conference

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// letter is one thing that happened to a conference. It runs on the conference's loop.
type letter func(c *Conference, now time.Time)

// mailboxLimit bounds what waits for the loop of one conference. Every sender is bounded by itself (a stream by its
// rate, a leg by its two events, a bridge channel by its rate); the limit catches many of them at once and a loop that
// stands still.
const mailboxLimit = 1 << 16

// mailbox is the queue in front of a loop: put never blocks, so that no socket's goroutine waits for a room.
type mailbox struct {
	ready  chan struct{} // one token when there is something to take
	urgent atomic.Pointer[letter]

	mu     sync.Mutex
	queue  []letter
	closed bool
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

// put appends l and reports whether it will run: false when the loop has ended or too much waits for it.
func (m *mailbox) put(l letter) bool { return m.append(l, mailboxLimit) }

// add is put without the limit, for the end of something that the loop holds: there are no more of these than of what ends,
// and one that got lost would leave a ghost.
func (m *mailbox) add(l letter) bool { return m.append(l, math.MaxInt) }

func (m *mailbox) append(l letter, limit int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.queue) >= limit {
		return false
	}
	m.queue = append(m.queue, l)
	if len(m.queue) == 1 {
		m.wake()
	}
	return true
}

// jump puts l ahead of everything that waits, also of what the loop has taken already.
func (m *mailbox) jump(l letter) {
	m.urgent.Store(&l)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wake()
}

// jumped returns the letter of the last jump, once, nil when there was none.
func (m *mailbox) jumped() letter {
	if m.urgent.Load() == nil {
		return nil
	}
	return *m.urgent.Swap(nil)
}

// wake lets the loop know.
func (m *mailbox) wake() {
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// take returns everything that waits, oldest first, into the spare slice of the caller.
func (m *mailbox) take(spare []letter) []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	batch := m.queue
	m.queue = spare[:0]
	return batch
}

// closeIfEmpty ends the mailbox when nothing waits, and reports whether it did.
func (m *mailbox) closeIfEmpty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) > 0 {
		return false
	}
	m.closed = true
	return true
}
