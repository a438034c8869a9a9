package bridge

import "sync"

const (
	queueItems = 1024
	queueBytes = 512 << 10
)

// queue holds what waits to be written. Both ends may be used from any goroutine.
type queue struct {
	mu    sync.Mutex
	items [][]byte
	bytes int
	ready chan struct{} // holds one token while items may be there
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// push appends b and reports whether it had room. It never blocks.
func (q *queue) push(b []byte) bool {
	q.mu.Lock()
	fits := len(q.items) < queueItems && q.bytes+len(b) <= queueBytes
	if fits {
		q.items = append(q.items, b)
		q.bytes += len(b)
	}
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return fits
}

// pop returns all that waits.
func (q *queue) pop() [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.items
	q.items, q.bytes = nil, 0
	return all
}
