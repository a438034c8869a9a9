package packet

import "encoding/binary"

// shortest is the length of a dependency descriptor that has nothing but its mandatory fields.
const shortest = 3

// Dependency is what a forwarder reads of a dependency descriptor (RTP Payload Format For AV1, appendix A).
type Dependency struct {
	At        int    // offset, 0: the packet has none
	Frame     uint16 // frame number: counts the frames of all layers of an SSRC
	Start     bool   // the first packet of a frame
	Structure bool   // it brings the template structure that the packets from here on are read by: a key frame begins
	// Width and Height are those of the highest spatial layer, when the structure says them.
	Width, Height int
}

// Dependency reads the dependency descriptor of the packet b, whose header is h, into d.
func (h *Header) Dependency(b []byte, d *Dependency) {
	*d = Dependency{}
	if h.dependency == 0 {
		return
	}
	d.At = h.dependency
	d.Start = b[d.At]&0x80 != 0
	d.Frame = binary.BigEndian.Uint16(b[d.At+1:])
	if h.dependencyEnd == d.At+shortest {
		return
	}
	r := bits{b: b[d.At+shortest : h.dependencyEnd]}
	d.Structure = r.read(1) != 0
	r.read(4)
	if d.Structure {
		d.Width, d.Height = topSize(&r)
	}
}

// topSize reads a template structure (A.8.3) and returns the size of its highest spatial layer; 0, 0 when it does not say
// or ends in the middle.
func topSize(r *bits) (width, height int) {
	r.read(6)                     // template id offset
	targets := int(r.read(5)) + 1 // decode targets
	templates, spatial := 0, 0
	for more := true; more; templates++ {
		if templates == 64 || r.failed {
			return 0, 0
		}
		switch r.read(2) {
		case 2:
			spatial++
		case 3:
			more = false
		}
	}
	for range templates * targets {
		r.read(2) // indication
	}
	for range templates {
		for r.read(1) != 0 {
			r.read(4) // frame difference
		}
	}
	if chains := r.below(uint32(targets) + 1); chains != 0 {
		for range targets {
			r.below(chains)
		}
		for range templates * int(chains) {
			r.read(4)
		}
	}
	if r.read(1) == 0 {
		return 0, 0
	}
	for range spatial + 1 {
		width, height = int(r.read(16))+1, int(r.read(16))+1
	}
	if r.failed {
		return 0, 0
	}
	return width, height
}

// PatchFrame writes n into the frame number of the packet b.
func (d *Dependency) PatchFrame(b []byte, n uint16) {
	if d.At != 0 {
		binary.BigEndian.PutUint16(b[d.At+1:], n)
	}
}

// DropDependency makes the dependency descriptor of the packet b, whose header is h, into padding of its header extension
// (RFC 8285 4.1.2).
func (h *Header) DropDependency(b []byte) {
	if h.dependency != 0 {
		clear(b[h.dependencyHead:h.dependencyEnd])
		h.dependency = 0
	}
}
