package packet

import (
	"encoding/binary"
	"errors"
)

// ErrVP8 says that a VP8 payload descriptor ends in the middle.
var ErrVP8 = errors.New("vp8 descriptor: too short")

// VP8 is what a VP8 payload descriptor says.
type VP8 struct {
	PictureAt int    // offset of the picture id
	Wide      bool   // the picture id has 15 bits, else 7
	Picture   uint16 // picture id
	TL0At     int    // offset of TL0PICIDX
	TL0       uint8
	TID       uint8

	Start    bool // the first packet of a frame
	Keyframe bool // Start, and the frame is a key frame
	// Width and Height are those of a key frame whose header is readable, else 0.
	Width, Height int
}

// ParseVP8 reads the descriptor of the VP8 payload b[at:end] into v.
func ParseVP8(b []byte, at, end int, v *VP8) error {
	*v = VP8{}
	if at < 0 || end > len(b) || at >= end {
		return ErrVP8
	}
	first := b[at]
	v.Start = first&0x17 == 0x10 // S and partition 0
	at++
	if first&0x80 != 0 {
		if at >= end {
			return ErrVP8
		}
		ext := b[at]
		at++
		if ext&0x80 != 0 {
			if at >= end {
				return ErrVP8
			}
			v.PictureAt = at
			v.Picture = uint16(b[at] & 0x7f)
			if b[at]&0x80 != 0 {
				if at+1 >= end {
					return ErrVP8
				}
				v.Wide = true
				v.Picture = v.Picture<<8 | uint16(b[at+1])
				at++
			}
			at++
		}
		if ext&0x40 != 0 {
			if at >= end {
				return ErrVP8
			}
			v.TL0At, v.TL0 = at, b[at]
			at++
		}
		if ext&0x30 != 0 {
			if at >= end {
				return ErrVP8
			}
			if ext&0x20 != 0 {
				v.TID = b[at] >> 6
			}
			at++
		}
	}
	if at >= end {
		return ErrVP8
	}
	if v.Start && b[at]&1 == 0 {
		v.Keyframe = true
		if end-at >= 10 && b[at+3] == 0x9d && b[at+4] == 0x01 && b[at+5] == 0x2a {
			v.Width = int(binary.LittleEndian.Uint16(b[at+6:]) & 0x3fff)
			v.Height = int(binary.LittleEndian.Uint16(b[at+8:]) & 0x3fff)
		}
	}
	return nil
}

// Patch writes picture id and TL0PICIDX into the packet b, whose descriptor is v, in the widths that are there.
func (v *VP8) Patch(b []byte, picture uint16, tl0 uint8) {
	if v.PictureAt != 0 {
		if v.Wide {
			binary.BigEndian.PutUint16(b[v.PictureAt:], picture|0x8000)
		} else {
			b[v.PictureAt] = byte(picture & 0x7f)
		}
	}
	if v.TL0At != 0 {
		b[v.TL0At] = tl0
	}
}
