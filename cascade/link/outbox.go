package link

import (
	"sync"
	"time"
)

// Class says how much a media datagram matters when a link is too thin for all.
type Class uint8

// The classes, from the one that goes last when something must go.
const (
	Audio Class = iota
	Speaker
	Video
	Discardable
	Classes // how many there are
)

const (
	maxOutbox  = 256 << 10 // bytes
	maxWait    = 40 * time.Millisecond
	maxAudio   = 150 * time.Millisecond // that audio waits
	refusal    = 200 * time.Millisecond // of a class that was dropped
	maxPayload = 1500
)

// outbox holds the media datagrams that wait to be sent to one peer.
type outbox struct {
	tally *tally
	wake  chan struct{} // something waits

	mu      sync.Mutex
	order   uint64
	bytes   int
	queues  [Classes]queue
	refused [Classes]time.Time // until then
}

// item is a datagram that waits.
type item struct {
	data  *[]byte
	at    time.Time
	order uint64
}

// queue is one class, oldest first.
type queue struct {
	items []item
	head  int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(i item) { q.items = append(q.items, i) }

func (q *queue) first() *item { return &q.items[q.head] }

func (q *queue) pop() item {
	i := q.items[q.head]
	q.items[q.head] = item{}
	if q.head++; 2*q.head >= len(q.items) {
		rest := copy(q.items, q.items[q.head:])
		clear(q.items[rest:])
		q.items, q.head = q.items[:rest], 0
	}
	return i
}

func newOutbox(t *tally) *outbox { return &outbox{tally: t, wake: make(chan struct{}, 1)} }

var payloads = sync.Pool{New: func() any { b := make([]byte, 0, maxPayload); return &b }}

// put copies a datagram into the outbox. It returns false when it is dropped at once.
func (o *outbox) put(now time.Time, class Class, datagram []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shed(now, len(datagram))
	if len(datagram) == 0 || len(datagram) > maxPayload || now.Before(o.refused[class]) {
		o.tally.dropped(class, len(datagram))
		return false
	}
	data, _ := payloads.Get().(*[]byte)
	*data = append((*data)[:0], datagram...)
	o.order++
	o.bytes += len(datagram)
	o.queues[class].push(item{data, now, o.order})
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return true
}

// get takes the datagram that is next; release gives it back. It is nil when nothing waits.
func (o *outbox) get(now time.Time) (data *[]byte, class Class) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shed(now, 0)
	best := Classes
	for c := range Classes {
		if o.queues[c].len() > 0 && (best == Classes || best != Audio && o.queues[c].first().order < o.queues[best].first().order) {
			best = c
		}
	}
	if best == Classes {
		return nil, 0
	}
	i := o.queues[best].pop()
	o.bytes -= len(*i.data)
	return i.data, best
}

func release(data *[]byte) { payloads.Put(data) }

// shed makes room for more bytes, and for what is not too old.
func (o *outbox) shed(now time.Time, more int) {
	for c := Discardable; o.pressed(now, more); c-- {
		if c == Audio {
			break
		}
		if o.queues[c].len() > 0 {
			o.refused[c] = now.Add(refusal)
		}
		for o.queues[c].len() > 0 {
			o.drop(c)
		}
	}
	for q := &o.queues[Audio]; q.len() > 0 && (o.bytes+more > maxOutbox || now.Sub(q.first().at) > maxAudio); {
		o.drop(Audio)
	}
}

// pressed reports whether too much waits, or for too long.
func (o *outbox) pressed(now time.Time, more int) bool {
	if o.bytes+more > maxOutbox {
		return o.bytes > 0
	}
	for c := range Classes {
		if q := &o.queues[c]; q.len() > 0 && now.Sub(q.first().at) > maxWait {
			return true
		}
	}
	return false
}

func (o *outbox) drop(c Class) {
	i := o.queues[c].pop()
	o.bytes -= len(*i.data)
	o.tally.dropped(c, len(*i.data))
	release(i.data)
}

// empty drops everything: the link is gone.
func (o *outbox) empty() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range Classes {
		for o.queues[c].len() > 0 {
			o.drop(c)
		}
	}
	o.refused = [Classes]time.Time{}
}
