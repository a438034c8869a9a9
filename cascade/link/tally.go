package link

import "sync/atomic"

// Count is packets and their bytes.
type Count struct{ Packets, Bytes uint64 }

// counter is a Count that is still counting.
type counter struct{ packets, bytes atomic.Uint64 }

func (c *counter) add(size int) {
	c.packets.Add(1)
	c.bytes.Add(uint64(size))
}

func (c *counter) count() Count { return Count{c.packets.Load(), c.bytes.Load()} }

// tally counts what goes over the links with one peer, since it is a member.
type tally struct {
	mediaOut  [Classes]counter
	mediaDrop [Classes]counter
	mediaIn   counter
	framesOut counter
	framesIn  counter
	unknown   atomic.Uint64
	refused   atomic.Uint64
}

func (t *tally) sent(c Class, size int)    { t.mediaOut[c].add(size) }
func (t *tally) dropped(c Class, size int) { t.mediaDrop[c].add(size) }
func (t *tally) received(size int)         { t.mediaIn.add(size) }
