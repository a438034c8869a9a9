package edge

import (
	"sync"
	"time"
)

// frameTime bounds how long the first packets of a frame wait for the others. Senders write a frame at once, and it is of
// use only when all of it is there: what waits here is not late.
const frameTime = 2 * time.Millisecond

// frames are the legs of which a frame began in the reader's batch and did not end.
type frames struct {
	mu    sync.Mutex
	batch bool // the reader is at one
	legs  []*Leg
	left  int // how many of them are not finished yet
}

// begin begins a batch.
func (f *frames) begin() {
	f.mu.Lock()
	f.batch = true
	f.mu.Unlock()
}

// open reports whether packets are to come.
func (f *frames) open() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left > 0
}

// note takes in what a leg's receiver said of a packet: whether more are to come. It reports whether the frame will be ended
// if they do not: not outside a batch.
func (f *frames) note(l *Leg, more bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.batch {
		return false
	}
	if more == l.unfinished {
		return true
	}
	if l.unfinished = more; more {
		f.legs = append(f.legs, l)
		f.left++
	} else {
		f.left--
	}
	return true
}

// end ends the batch and every frame.
func (f *frames) end() {
	f.mu.Lock()
	f.batch = false
	n := 0
	for _, l := range f.legs {
		if l.unfinished { // once, also when it began several frames
			l.unfinished = false
			f.legs[n] = l
			n++
		}
	}
	f.left = 0
	legs := f.legs[:n]
	f.mu.Unlock()
	for _, l := range legs {
		l.flush()
	}
	clear(f.legs)
	f.legs = f.legs[:0]
}
