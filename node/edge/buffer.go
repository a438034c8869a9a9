package edge

import "sync"

// bufferSize is the capacity of a pooled buffer: an Ethernet frame, and room for a tag behind the largest packet that fits. The allocator
// has blocks of that size; above it the next is a sixth larger.
const bufferSize = 1536

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func newBuffer() []byte { return buffers.Get().(*[bufferSize]byte)[:0] }

// recycle takes a buffer back. Others than those of newBuffer are left to the collector.
func recycle(b []byte) {
	if cap(b) == bufferSize {
		buffers.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}
