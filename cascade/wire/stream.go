package wire

import (
	"encoding/binary"
	"fmt"
)

// lengthSize is what stands before a frame on a stream: its length, big-endian.
const lengthSize = 4

// AppendFramed appends f with its length, as it goes on a stream. A frame that [Valid] refuses is left out.
func AppendFramed(dst []byte, f Frame, version uint16) []byte {
	out := Append(append(dst, 0, 0, 0, 0), f, version)
	n := len(out) - len(dst) - lengthSize
	if n == 0 {
		return dst
	}
	binary.BigEndian.PutUint32(out[len(dst):], uint32(n))
	return out
}

// Split cuts the first frame off what came by a stream. While the frame is not complete it is nil and rest is buf; an
// error ends the stream. The frame is a part of buf.
func Split(buf []byte) (frame, rest []byte, err error) {
	if len(buf) < lengthSize {
		return nil, buf, nil
	}
	n := binary.BigEndian.Uint32(buf)
	if n == 0 || n > MaxFrame {
		return nil, buf, fmt.Errorf("frame of %d bytes, want 1 to %d", n, MaxFrame)
	}
	if uint32(len(buf)-lengthSize) < n {
		return nil, buf, nil
	}
	end := lengthSize + int(n)
	return buf[lengthSize:end:end], buf[end:], nil
}
