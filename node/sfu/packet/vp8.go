package packet

import (
	"encoding/binary"
	"errors"
)

// ErrVP8 says that a VP8 payload descriptor ends in the middle.
var ErrVP8 = errors.New("vp8 descriptor: too short")

// ParseVP8 reads the descriptor of the VP8 payload b[at:end] into d (RFC 7741 4.2), and of the payload header (4.3) as
// much as tells a key frame and its size.
func ParseVP8(b []byte, at, end int, d *Descriptor) error {
	*d = Descriptor{}
	if at < 0 || end > len(b) || at >= end {
		return ErrVP8
	}
	first := b[at]
	d.Start = first&0x17 == 0x10 // S and partition 0
	d.Discardable = first&0x20 != 0
	at++
	if first&0x80 != 0 {
		if at >= end {
			return ErrVP8
		}
		ext := b[at]
		at++
		if ext&0x80 != 0 {
			next, ok := d.pictureID(b, at, end)
			if !ok {
				return ErrVP8
			}
			at = next
		}
		if ext&0x40 != 0 {
			if at >= end {
				return ErrVP8
			}
			d.TL0At, d.TL0 = at, b[at]
			at++
		}
		if ext&0x30 != 0 {
			if at >= end {
				return ErrVP8
			}
			if ext&0x20 != 0 {
				d.TID = b[at] >> 6
			}
			at++
		}
	}
	if at >= end {
		return ErrVP8
	}
	if d.Start && b[at]&1 == 0 {
		d.Keyframe = true
		if end-at >= 10 && b[at+3] == 0x9d && b[at+4] == 0x01 && b[at+5] == 0x2a {
			d.Width = int(binary.LittleEndian.Uint16(b[at+6:]) & 0x3fff)
			d.Height = int(binary.LittleEndian.Uint16(b[at+8:]) & 0x3fff)
		}
	}
	return nil
}
