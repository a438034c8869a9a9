package packet

// bits reads single bits. What is beyond the end is 0 and sets failed.
type bits struct {
	b       []byte
	at      int  // in bits
	escaped bool // the third byte of 0, 0, 3 is not content (ITU-T H.264 7.4.1)
	failed  bool
}

// read returns the next n bits, at most 32.
func (r *bits) read(n int) uint32 {
	var v uint32
	for range n {
		i := r.at / 8
		if r.escaped && r.at%8 == 0 && i >= 2 && i < len(r.b) && r.b[i] == 3 && r.b[i-1] == 0 && r.b[i-2] == 0 {
			r.at += 8
			i++
		}
		v <<= 1
		if i >= len(r.b) {
			r.failed = true
			continue
		}
		v |= uint32(r.b[i]>>(7-r.at%8)) & 1
		r.at++
	}
	return v
}

// golomb returns a number in the code ue(v) of ITU-T H.264 9.1. The signed ones have the same length.
func (r *bits) golomb() uint32 {
	zeros := 0
	for r.read(1) == 0 {
		if zeros++; zeros > 31 || r.failed {
			r.failed = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.read(zeros)
}

// below returns a number below n in the code ns(n) of the AV1 specification, 4.10.7.
func (r *bits) below(n uint32) uint32 {
	w := 0
	for x := n; x != 0; x >>= 1 {
		w++
	}
	m := uint32(1)<<w - n
	v := r.read(w - 1)
	if v < m {
		return v
	}
	return v<<1 - m + r.read(1)
}
