package packet

import "encoding/binary"

// Descriptor is what a forwarder reads of the payload of a packet of video, whatever the codec. What a codec does not
// say, or the sender left out, is zero.
type Descriptor struct {
	PictureAt int    // offset of the picture id
	Wide      bool   // the picture id has 15 bits, else 7
	Picture   uint16 // picture id
	TL0At     int    // offset of TL0PICIDX
	TL0       uint8
	TID, SID  uint8 // temporal and spatial layer

	Start bool // the first packet of a frame
	// Discardable says that no other frame refers to this one, as far as the packet tells. With VP9 this holds only for the
	// highest temporal layer of the stream.
	Discardable bool
	Keyframe    bool // the first packet of a key frame
	// Slice says of H264 that Keyframe was told by a slice without parameter sets before it: the packet is the first of its
	// frame only when the one before it was the last of another.
	Slice bool
	// Width and Height are those of a key frame, of its highest spatial layer, when they can be read.
	Width, Height int
}

// Patch writes picture id and TL0PICIDX into the packet b, whose descriptor is d, in the widths that are there.
func (d *Descriptor) Patch(b []byte, picture uint16, tl0 uint8) {
	if d.PictureAt != 0 {
		if d.Wide {
			binary.BigEndian.PutUint16(b[d.PictureAt:], picture|0x8000)
		} else {
			b[d.PictureAt] = byte(picture & 0x7f)
		}
	}
	if d.TL0At != 0 {
		b[d.TL0At] = tl0
	}
}

// pictureID reads the picture id at offset at, in either width, and returns the offset after it.
func (d *Descriptor) pictureID(b []byte, at, end int) (next int, ok bool) {
	if at >= end {
		return 0, false
	}
	d.PictureAt, d.Picture = at, uint16(b[at]&0x7f)
	if b[at]&0x80 == 0 {
		return at + 1, true
	}
	if at+1 >= end {
		return 0, false
	}
	d.Wide = true
	d.Picture = d.Picture<<8 | uint16(b[at+1])
	return at + 2, true
}
