package edge

import "sync"

// bufferSize is the capacity of a pooled buffer: an Ethernet frame, and room for a tag behind the largest packet that fits.
const bufferSize = 1600

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func newBuffer() []byte { return buffers.Get().(*[bufferSize]byte)[:0] }

// recycle takes a buffer back. Others than those of newBuffer are left to the collector.
func recycle(b []byte) {
	if cap(b) == bufferSize {
		buffers.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}
