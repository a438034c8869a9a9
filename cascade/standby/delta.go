package standby

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
)

// A delta makes one value of another. It is steps of three numbers (unsigned varints, encoding/binary): how many bytes of the old
// value are copied, how many after them are left out, how many new ones come instead; these follow. Values of a participant differ
// in the counters of its streams, each a few bytes long, and by a list item that came or went.

const (
	anchor = 8  // equal bytes after which two values go on together
	near   = 80 // how far the two are searched for them, byte by byte: more than a window of a counter
	far    = 16 // as many equal bytes when they are searched further away
)

// Sum tells values apart; it is never 0.
func Sum(value []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(value)
	return max(h.Sum64(), 1)
}

// work is how much is compared for one delta, in about nanoseconds: a client must not make its node busy by what it lets its value be.
const work = 4 << 20

// appendDelta appends what makes next of prev. It may be longer than next.
func appendDelta(dst, prev, next []byte) []byte {
	dst, _ = compare(dst, prev, next, work)
	return dst
}

// compare is appendDelta with a budget of work, and returns what is left of it.
func compare(dst, prev, next []byte, budget int) (delta []byte, rest int) {
	var left, put int
	for len(prev) > 0 || len(next) > 0 {
		same := common(prev, next)
		prev, next = prev[same:], next[same:]
		left, put, budget = apart(prev, next, budget)
		dst = binary.AppendUvarint(dst, uint64(same))
		dst = binary.AppendUvarint(dst, uint64(left))
		dst = binary.AppendUvarint(dst, uint64(put))
		dst = append(dst, next[:put]...)
		prev, next = prev[left:], next[put:]
	}
	return dst, budget
}

func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// apart returns how many bytes of both differ before they go on together, and what is left of the budget.
func apart(prev, next []byte, budget int) (left, put, rest int) {
	for sum := 1; sum <= 2*near && budget > 0; sum++ {
		for l := max(0, sum-near); l <= min(sum, near); l++ {
			budget--
			if together(prev, next, l, sum-l) {
				return l, sum - l, budget
			}
		}
	}
	for skip := 0; skip <= near && budget > 0; skip += far / 4 {
		budget -= (len(prev) + len(next)) / 8
		if skip+far <= len(prev) {
			if at := bytes.Index(next, prev[skip:skip+far]); at >= 0 {
				return skip, at, budget
			}
		}
		if skip+far <= len(next) {
			if at := bytes.Index(prev, next[skip:skip+far]); at >= 0 {
				return at, skip, budget
			}
		}
	}
	return len(prev), len(next), budget
}

func together(prev, next []byte, l, p int) bool {
	if l+anchor > len(prev) || p+anchor > len(next) {
		return l == len(prev) && p == len(next)
	}
	return binary.BigEndian.Uint64(prev[l:]) == binary.BigEndian.Uint64(next[p:])
}

var errDelta = errors.New("amend record: the change does not fit the value")

// amend returns what a delta makes of prev, at most limit bytes.
func amend(prev, delta []byte, limit int) ([]byte, error) {
	next := make([]byte, 0, min(len(prev)+len(delta), limit))
	for len(delta) > 0 {
		var step [3]uint64
		for i := range step {
			v, n := binary.Uvarint(delta)
			if n <= 0 {
				return nil, errDelta
			}
			step[i], delta = v, delta[n:]
		}
		same, left, put := step[0], step[1], step[2]
		if same > uint64(len(prev)) || left > uint64(len(prev))-same || put > uint64(len(delta)) {
			return nil, errDelta
		}
		if uint64(len(next))+same+put > uint64(limit) {
			return nil, fmt.Errorf("amend record: more than %d bytes", limit)
		}
		next = append(append(next, prev[:same]...), delta[:put]...)
		prev, delta = prev[same+left:], delta[put:]
	}
	if len(prev) > 0 {
		return nil, errDelta
	}
	return next, nil
}
