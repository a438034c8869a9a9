package sfu

import (
	"github.com/atoll-mesh/atoll/node/sfu/packet"
	"github.com/atoll-mesh/atoll/node/sfu/rewrite"
)

// picture is what is known of a packet of video beyond its header. The zero value is that of other packets.
type picture struct {
	packet.Descriptor
	dependency packet.Dependency
}

// read reads the packet b of the codec, whose header is h and whose payload begins at the offset at.
func (p *picture) read(c Codec, b []byte, h *packet.Header, at int) error {
	end := h.End + at - h.Payload
	switch c {
	case VP8:
		return packet.ParseVP8(b, at, end, &p.Descriptor)
	case VP9:
		return packet.ParseVP9(b, at, end, &p.Descriptor)
	case H264:
		return packet.ParseH264(b, at, end, &p.Descriptor)
	case AV1:
		if err := packet.ParseAV1(b, at, end, &p.Descriptor); err != nil {
			return err
		}
		h.Dependency(b, &p.dependency)
		if d := &p.dependency; d.At != 0 {
			p.Start, p.Keyframe = d.Start, d.Start && d.Structure
			p.Width, p.Height = d.Width, d.Height
		}
	}
	return nil
}

// numbers returns what the rewriting reads of a packet.
func (p *picture) numbers(h *packet.Header) rewrite.Packet {
	return rewrite.Packet{Seq: h.Seq, TS: h.TS, Picture: p.Picture, TL0: p.TL0, Frame: p.dependency.Frame, Empty: h.Empty()}
}

// patch writes the outgoing numbers into b.
func (p *picture) patch(b []byte, m *rewrite.Mapped) {
	p.Patch(b, m.Picture, m.TL0)
	p.dependency.PatchFrame(b, m.Frame)
}
