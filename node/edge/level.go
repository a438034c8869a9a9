package edge

// padShare is how much padding a packet may get, in shares of its length, beside the byte that every packet may: the price
// of a datagram is that of several times as many bytes.
const padShare = 64

// level pads RTP packets that wait to be sealed to the length of the longest among neighbours of about the same length
// (RFC 3550 5.1), so that they leave as one datagram which is cut into equal parts. Encoders cut frames into parts that
// differ by a byte. The last of a run may be shorter than the others and stays as it is. What is behind the padding is not
// touched.
func level(packets []outgoing) {
	for len(packets) > 1 {
		n, longest := alike(packets)
		for i := range n - 1 {
			packets[i].packet = pad(packets[i].packet, longest-len(packets[i].packet))
		}
		packets = packets[n:]
	}
}

// alike returns how many packets from the first on are of about the same length, and the length of the longest.
func alike(packets []outgoing) (n, longest int) {
	shortest := len(packets[0].packet)
	for i := range packets {
		o := &packets[i]
		size := len(o.packet)
		low, high := min(shortest, size), max(longest, size)
		if o.gcm == nil || i > 0 && high-low > max(1, low/padShare) {
			if i > 0 && o.gcm != nil && size < shortest {
				return i + 1, longest // the shorter last of a run
			}
			return max(i, 1), max(longest, shortest)
		}
		shortest, longest = low, high
	}
	return len(packets), longest
}

// pad appends n bytes of padding to an RTP packet.
func pad(b []byte, n int) []byte {
	if n <= 0 {
		return b
	}
	if b[0]&0x20 != 0 {
		n += int(b[len(b)-1])
		if n > 255 {
			return b
		}
		b = b[:len(b)-int(b[len(b)-1])]
	}
	b[0] |= 0x20
	for range n - 1 {
		b = append(b, 0)
	}
	return append(b, byte(n))
}
