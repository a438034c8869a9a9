package stream

import "sync"

// queue is what waits for a socket, bounded by items and bytes. What the writer has taken counts until it has left. Nobody
// waits at it: who adds something starts the writer, who goes on until nothing is left.
type queue struct {
	maxItems, maxBytes int
	write              func() // the writer, in a goroutine of its own

	mu           sync.Mutex
	writing      sync.WaitGroup
	busy, ended  bool
	waiting      [][]byte
	items, bytes int
	last         bool // nothing follows what is waiting
}

func newQueue(limits Limits, write func()) *queue {
	return &queue{maxItems: limits.QueueStanzas, maxBytes: limits.QueueBytes, write: write}
}

// put adds a message. It reports false, and adds nothing, when that would be too much. After finish it drops messages.
func (q *queue) put(xml []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last {
		return true
	}
	if q.items+1 > q.maxItems || q.bytes+len(xml) > q.maxBytes {
		return false
	}
	q.add(xml)
	q.wake()
	return true
}

// fill adds messages that are bounded elsewhere.
func (q *queue) fill(messages ...[]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last {
		return
	}
	for _, xml := range messages {
		q.add(xml)
	}
	q.wake()
}

// finish adds the last messages.
func (q *queue) finish(messages ...[]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last {
		return
	}
	for _, xml := range messages {
		q.add(xml)
	}
	q.last = true
	q.wake()
}

// take returns all messages, and whether they are the last. When there are none and the last was not added yet, the writer is to
// end: the next message starts it again.
func (q *queue) take() (messages [][]byte, last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	messages, q.waiting = q.waiting, nil
	q.busy = len(messages) > 0 || q.last
	return messages, q.last
}

// end starts the writer no more, and returns when it has ended.
func (q *queue) end() {
	q.mu.Lock()
	q.ended = true
	q.mu.Unlock()
	q.writing.Wait()
}

// finished reports whether the last message is known.
func (q *queue) finished() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.last
}

// left says that what was taken has left.
func (q *queue) left(messages [][]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items -= len(messages)
	for _, xml := range messages {
		q.bytes -= len(xml)
	}
}

func (q *queue) add(xml []byte) {
	q.waiting = append(q.waiting, xml)
	q.items++
	q.bytes += len(xml)
}

func (q *queue) wake() {
	if !q.busy && !q.ended {
		q.busy = true
		q.writing.Go(q.write)
	}
}
