package packet

import (
	"encoding/binary"
	"errors"
)

// ErrH264 says that an H264 payload has no content.
var ErrH264 = errors.New("h264 payload: too short")

// Types of NAL units, and of packets that are made of them (RFC 6184 5.2).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24
	nalFUA   = 28
)

// ParseH264 reads the H264 payload b[at:end] into d (RFC 6184 5.6 to 5.8). A key frame begins with a sequence parameter
// set or with an IDR slice, alone, in an aggregation or in a first fragment. What an aggregation holds beyond its end is not
// looked at.
func ParseH264(b []byte, at, end int, d *Descriptor) error {
	*d = Descriptor{}
	if at < 0 || end > len(b) || at >= end {
		return ErrH264
	}
	d.Discardable = b[at]&0x60 == 0 // nal_ref_idc
	switch kind := b[at] & 0x1f; kind {
	case nalSTAPA:
		for at++; end-at > 2; {
			n := int(binary.BigEndian.Uint16(b[at:]))
			at += 2
			if n == 0 || n > end-at {
				break
			}
			d.unit(b[at]&0x1f, b[at+1:at+n])
			at += n
		}
	case nalFUA:
		if end-at < 2 {
			return ErrH264
		}
		if b[at+1]&0x80 != 0 {
			d.unit(b[at+1]&0x1f, nil)
		}
	default:
		d.unit(kind, b[at+1:end])
	}
	return nil
}

// unit takes note of a NAL unit, or of the first part of one.
func (d *Descriptor) unit(kind uint8, content []byte) {
	switch {
	case kind == nalSPS:
		d.Keyframe, d.Slice = true, false
		d.Width, d.Height = sequenceSize(content)
	case kind == nalIDR && !d.Keyframe:
		d.Keyframe, d.Slice = true, true
	}
}

// sequenceSize returns the size of the pictures of a sequence parameter set (ITU-T H.264 7.3.2.1.1), without its NAL
// unit's first byte; 0, 0 when it can't be read.
func sequenceSize(content []byte) (width, height int) {
	r := bits{b: content, escaped: true}
	profile := r.read(8)
	r.read(16) // constraints, level
	r.golomb() // id
	chroma := uint32(1)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		chroma = r.golomb()
		if chroma == 3 {
			r.read(1)
		}
		r.golomb() // bit depths
		r.golomb()
		r.read(1)
		if r.read(1) != 0 {
			return 0, 0 // scaling lists: nobody sends them in calls
		}
	}
	r.golomb() // log2_max_frame_num
	switch r.golomb() {
	case 0:
		r.golomb()
	case 1:
		r.read(1)
		r.golomb()
		r.golomb()
		for range min(r.golomb(), 255) {
			r.golomb()
		}
	}
	r.golomb() // reference frames
	r.read(1)
	width = (int(r.golomb()&0xffff) + 1) * 16
	height = (int(r.golomb()&0xffff) + 1) * 16
	fields := 1
	if r.read(1) == 0 { // pictures may be pairs of fields
		fields = 2
		r.read(1)
	}
	height *= fields
	r.read(1)
	if r.read(1) != 0 {
		x, y := 2, 2*fields
		if chroma != 1 {
			x, y = 1, fields // 4:2:0 is what is sent; for the others the size is a little off
		}
		width -= x * int(r.golomb()&0xffff+r.golomb()&0xffff)
		height -= y * int(r.golomb()&0xffff+r.golomb()&0xffff)
	}
	if r.failed || width <= 0 || height <= 0 {
		return 0, 0
	}
	return width, height
}
