package bandwidth

import "encoding/binary"

// appendChunks appends the packet status chunks (3.1.2 to 3.1.4 of the draft) of the symbols, which are 0 (not received),
// 1 (small delta) or 2 (large or negative delta).
func appendChunks(dst []byte, symbols []uint8) []byte {
	for len(symbols) > 0 {
		run := 1
		for run < len(symbols) && run < 1<<13-1 && symbols[run] == symbols[0] {
			run++
		}
		one := min(14, len(symbols))
		for i, s := range symbols[:one] {
			if s > 1 {
				one = i
				break
			}
		}
		var chunk uint16
		var taken int
		switch {
		case run >= 14 || run == len(symbols) || run >= 7 && one < 14 && one < len(symbols):
			chunk, taken = uint16(symbols[0])<<13|uint16(run), run
		case one == 14 || one == len(symbols):
			chunk, taken = 0x8000, one
			for i, s := range symbols[:taken] {
				chunk |= uint16(s) << (13 - i)
			}
		default:
			chunk, taken = 0xc000, min(7, len(symbols))
			for i, s := range symbols[:taken] {
				chunk |= uint16(s) << (12 - 2*i)
			}
		}
		dst = binary.BigEndian.AppendUint16(dst, chunk)
		symbols = symbols[taken:]
	}
	return dst
}
