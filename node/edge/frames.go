package edge

import (
	"sync/atomic"
	"time"
)

// frameTime bounds how long the first packets of a frame wait for the others. Senders write a frame at once, and it is of
// use only when all of it is there: what waits here is not late.
const frameTime = 2 * time.Millisecond

// frames counts the frames of which some packets came in the reader's batch and others are to come.
type frames struct {
	batch atomic.Uint64
	count atomic.Int32
}

// part is a leg's place in it.
type part struct{ batch uint64 }

// begin begins a batch.
func (f *frames) begin() {
	f.batch.Add(1)
	f.count.Store(0)
}

// open reports whether packets are to come. When what counts runs beside begin, one batch may end early or late.
func (f *frames) open() bool { return f.count.Load() > 0 }

// note takes in what a leg's receiver said of a packet.
func (f *frames) note(p *part, more bool) {
	batch := f.batch.Load()
	switch {
	case more && p.batch != batch:
		p.batch = batch
		f.count.Add(1)
	case !more && p.batch == batch:
		p.batch = 0
		f.count.Add(-1)
	}
}
