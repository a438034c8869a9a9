package sfu

import "github.com/pion/rtp"

// offered are the payload types of every room of the tests.
var offered = []Format{{111, Opus, 0}, {100, VP8, 96}, {101, VP9, 97}, {107, H264, 99}, {41, AV1, 42}}

func payloadType(c Codec) uint8 {
	for _, f := range offered {
		if f.Codec == c {
			return f.PayloadType
		}
	}
	return 0
}

// part builds packet i of the three of a frame of another codec than VP8.
func (p *person) part(layer, i int, key bool) []byte {
	h := rtp.Header{
		Version: 2, PayloadType: payloadType(p.codec), SSRC: cameraSSRC(layer),
		SequenceNumber: p.seq[layer], Timestamp: p.ts[layer], Marker: i == 2,
	}
	p.seq[layer]++
	var body []byte
	switch p.codec {
	case VP9:
		body = p.partVP9(layer, i, key)
	case H264:
		body = p.partH264(layer, i, key)
	case AV1:
		body = p.partAV1(layer, i, key)
		d := []byte{0xc0, byte(p.num[layer] >> 8), byte(p.num[layer])} // a frame of one packet
		p.num[layer]++
		if key && i == 0 {
			d = append(d, 0x80, 0x00, 0x3a, 0x8e, 0x10, 0x49, 0xfc)
		}
		if err := h.SetExtension(11, d); err != nil {
			p.r.t.Fatal(err)
		}
	}
	return p.marshal(h, append(body, p.tail...))
}

// partVP9 is the packet of spatial layer i: on key frames the upper ones refer to the lower ones alone, as in L3T3_KEY.
func (p *person) partVP9(layer, i int, key bool) []byte {
	pic := p.pic[layer] & 0x7fff
	first, above := byte(0xac), byte(0) // I, L, B, E
	if !key {
		first |= 0x40
	} else if i > 0 {
		above = 1
	}
	head := []byte{first, byte(pic>>8) | 0x80, byte(pic), byte(i<<1) | above, byte(pic)}
	if key && i == 0 {
		head[0] |= 2
		head = append(head, 2<<5|0x10)
		for s := range 3 {
			w, h := 320<<s, 180<<s
			head = append(head, byte(w>>8), byte(w), byte(h>>8), byte(h))
		}
	}
	return append(head, byte(i), p.n, byte(layer))
}

// partH264 is a parameter set and two slices of a key frame, or three slices of another one.
func (p *person) partH264(layer, i int, key bool) []byte {
	unit := byte(0x41)
	if key {
		unit = []byte{0x67, 0x65, 0x65}[i]
	}
	return []byte{unit, p.n, byte(layer)}
}

func (p *person) partAV1(layer, i int, key bool) []byte {
	first := byte(0x10)
	if key && i == 0 {
		first |= 8
	}
	return []byte{first, p.n, byte(layer)}
}
