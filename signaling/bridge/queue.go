package bridge

import "sync"

const (
	queueItems = 1024
	queueBytes = 512 << 10
)

// queue holds what waits to be written. Both ends may be used from any goroutine. Nobody waits at it: who adds the first
// item begins the writing, which goes on until nothing is left.
type queue struct {
	begin func() bool // starts a goroutine that pops until there is nothing, and reports whether it did; called under the lock

	mu    sync.Mutex
	items [][]byte
	bytes int
	busy  bool // somebody pops
}

// push appends b and reports whether it had room. It never blocks.
func (q *queue) push(b []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) >= queueItems || q.bytes+len(b) > queueBytes {
		return false
	}
	q.items = append(q.items, b)
	q.bytes += len(b)
	if !q.busy {
		q.busy = q.begin()
	}
	return true
}

// pop returns all that waits. When that is nothing the caller is not to ask again.
func (q *queue) pop() [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.items
	q.items, q.bytes = nil, 0
	q.busy = len(all) > 0
	return all
}
