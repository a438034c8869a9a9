package wire

import (
	"encoding/binary"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Relayed carries a frame to a node that its sender cannot reach, over one other node. The signature goes from end to end:
// the node between can drop, nothing else.
type Relayed struct {
	Origin, Target identity.Name
	Key            []byte // of Origin: Ed25519, 32 bytes
	Started        uint64 // of Origin, as in its Hello
	Counter        uint64 // grows with every frame from Origin to Target since Started
	Version        uint16 // that Frame is written in
	Frame          []byte // anything but Hello, LinkState, Relayed and Take
	Signature      []byte // 64 bytes, of Signed
}

func (Relayed) frame() uint64 { return typeRelayed }

func (f *Relayed) fields(c *coder) {
	f.signed(c)
	c.fixed(&f.Signature, 64)
}

func (f *Relayed) signed(c *coder) {
	name(c, &f.Origin)
	name(c, &f.Target)
	c.fixed(&f.Key, 32)
	number(c, &f.Started, 0, 1<<48-1)
	number(c, &f.Counter, 0, anything)
	number(c, &f.Version, 1, 1<<16-1)
	c.bytes(&f.Frame, MaxInner)
	if c.err != nil {
		return
	}
	switch inner, n := binary.Uvarint(f.Frame); {
	case n <= 0:
		c.fail("nothing inside")
	case inner == typeHello || inner == typeLinkState || inner == typeRelayed || inner == typeTake:
		c.fail("a frame of type %d inside", inner)
	case f.Origin == f.Target:
		c.fail("from %s to itself", f.Origin)
	}
}

// Signed returns the bytes that the signature covers: a label, then all fields before the signature as they are on the wire.
func (f Relayed) Signed() []byte {
	c := coder{buf: append(make([]byte, 0, 128+len(f.Frame)), "atoll relayed frame\x00"...), version: Version}
	f.signed(&c)
	return c.buf
}
