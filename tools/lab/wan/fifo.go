package wan

import "time"

// fifo is a queue of packets with the time each is due; it forgets what it handed out.
type fifo struct {
	items []item
	first int
	bytes int
}

type item struct {
	packet []byte
	due    time.Time
}

func (f *fifo) len() int    { return len(f.items) - f.first }
func (f *fifo) empty() bool { return f.len() == 0 }
func (f *fifo) head() item  { return f.items[f.first] }

func (f *fifo) push(packet []byte, due time.Time) {
	// Move to the front before growing, so that a queue in steady use keeps its array.
	if f.first > 0 && len(f.items) == cap(f.items) {
		n := copy(f.items, f.items[f.first:])
		clear(f.items[n:])
		f.items, f.first = f.items[:n], 0
	}
	f.items = append(f.items, item{packet, due})
	f.bytes += len(packet)
}

func (f *fifo) pop() item {
	it := f.items[f.first]
	f.items[f.first] = item{}
	f.first++
	f.bytes -= len(it.packet)
	if f.first == len(f.items) {
		f.items, f.first = f.items[:0], 0
	}
	return it
}
