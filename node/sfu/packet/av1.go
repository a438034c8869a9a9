package packet

import "errors"

// ErrAV1 says that an AV1 payload has no content.
var ErrAV1 = errors.New("av1 payload: too short")

// ParseAV1 reads the aggregation header of the AV1 payload b[at:end] into d (RTP Payload Format For AV1, 4.4). Its bit N
// tells a key frame to those who have no dependency descriptor.
func ParseAV1(b []byte, at, end int, d *Descriptor) error {
	*d = Descriptor{}
	if at < 0 || end > len(b) || at >= end {
		return ErrAV1
	}
	d.Keyframe = b[at]&0x88 == 0x08 // N without Z
	return nil
}
