package packet

import (
	"encoding/binary"
	"errors"
)

// ErrVP9 says that a VP9 payload descriptor ends in the middle.
var ErrVP9 = errors.New("vp9 descriptor: too short")

// ParseVP9 reads the descriptor of the VP9 payload b[at:end] into d (RFC 9628 4.2). A key frame begins where the lowest
// spatial layer refers to no other picture. Its size is that of the scalability structure, which senders put there.
func ParseVP9(b []byte, at, end int, d *Descriptor) error {
	*d = Descriptor{}
	if at < 0 || end > len(b) || at >= end {
		return ErrVP9
	}
	first := b[at]
	has := func(bit byte) bool { return first&bit != 0 }
	const (
		i, p, l, f, begin, v, z = 0x80, 0x40, 0x20, 0x10, 0x08, 0x02, 0x01
	)
	at++
	if has(i) {
		next, ok := d.pictureID(b, at, end)
		if !ok {
			return ErrVP9
		}
		at = next
	}
	if has(l) {
		if at >= end {
			return ErrVP9
		}
		d.TID, d.SID = b[at]>>5, b[at]>>1&7
		at++
		if !has(f) {
			if at >= end {
				return ErrVP9
			}
			d.TL0At, d.TL0 = at, b[at]
			at++
		}
	}
	if has(f) && has(p) {
		for n, more := 0, true; more; n++ {
			if at >= end || n == 3 {
				return ErrVP9
			}
			more = b[at]&1 != 0
			at++
		}
	}
	if has(v) {
		if at = d.structure(b, at, end); at < 0 {
			return ErrVP9
		}
	}
	if at >= end {
		return ErrVP9
	}
	d.Start = has(begin)
	d.Discardable = has(z) && d.TID > 0
	d.Keyframe = has(begin) && !has(p) && d.SID == 0
	return nil
}

// structure reads a scalability structure and returns the offset after it, -1 when it ends in the middle.
func (d *Descriptor) structure(b []byte, at, end int) int {
	if at >= end {
		return -1
	}
	first := b[at]
	at++
	if first&0x10 != 0 { // Y
		n := int(first>>5) + 1
		if end-at < 4*n {
			return -1
		}
		for range n {
			d.Width, d.Height = int(binary.BigEndian.Uint16(b[at:])), int(binary.BigEndian.Uint16(b[at+2:]))
			at += 4
		}
	}
	if first&0x08 != 0 { // G
		if at >= end {
			return -1
		}
		n := int(b[at])
		at++
		for range n {
			if at >= end {
				return -1
			}
			at += 1 + int(b[at]>>2&3)
		}
		if at > end {
			return -1
		}
	}
	return at
}
