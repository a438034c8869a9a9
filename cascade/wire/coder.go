package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

const anything = 1<<64 - 1

var errTruncated = errors.New("truncated")

// coder writes fields, or reads them: the layout of a structure is said once, as the order in which its fields are passed
// to the coder, and its limits hold both ways. While writing it changes nothing of what it is passed. After the first error
// it does nothing.
type coder struct {
	buf     []byte // written so far, or not yet read
	reading bool
	version uint16
	err     error
}

func (c *coder) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// uvarint accepts the shortest form only, so that a value has one encoding.
func (c *coder) uvarint(v *uint64) {
	if c.err != nil {
		return
	}
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	x, n := binary.Uvarint(c.buf)
	switch {
	case n == 0:
		c.err = errTruncated
	case n < 0 || n > 1 && c.buf[n-1] == 0:
		c.fail("not a number")
	default:
		*v, c.buf = x, c.buf[n:]
	}
}

func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64](c *coder, v *T, least, most uint64) {
	x := uint64(*v)
	c.uvarint(&x)
	if c.err != nil {
		return
	}
	if x < least || x > most {
		c.fail("number %d, want %d to %d", x, least, most)
		return
	}
	if c.reading {
		*v = T(x)
	}
}

func (c *coder) height(v *int) {
	if *v < 0 {
		c.fail("height %d", *v)
		return
	}
	x := uint64(*v)
	if number(c, &x, 0, maxHeight); c.reading {
		*v = int(x)
	}
}

func duration(c *coder, v *time.Duration, unit, least, most time.Duration) {
	if *v < 0 {
		c.fail("duration %v", *v)
		return
	}
	x := uint64(*v / unit)
	if number(c, &x, uint64(least/unit), uint64(most/unit)); c.reading && c.err == nil {
		*v = time.Duration(x) * unit
	}
}

func (c *coder) flag(v *bool) {
	var x uint64
	if *v {
		x = 1
	}
	number(c, &x, 0, 1)
	if c.reading {
		*v = x == 1
	}
}

// take returns the next n bytes that are to be read.
func (c *coder) take(n uint64) []byte {
	if c.err == nil && n > uint64(len(c.buf)) {
		c.err = errTruncated
	}
	if c.err != nil {
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

func (c *coder) bytes(v *[]byte, limit int) {
	n := uint64(len(*v))
	if number(c, &n, 0, uint64(limit)); c.err != nil {
		return
	}
	if c.reading {
		*v = slices.Clone(c.take(n))
		return
	}
	c.buf = append(c.buf, *v...)
}

func (c *coder) fixed(v *[]byte, size int) {
	if c.reading {
		*v = slices.Clone(c.take(uint64(size)))
		return
	}
	if len(*v) != size {
		c.fail("%d bytes, want %d", len(*v), size)
		return
	}
	c.buf = append(c.buf, *v...)
}

func text[T ~string](c *coder, v *T, limit int) {
	n := uint64(len(*v))
	if number(c, &n, 0, uint64(limit)); c.err != nil {
		return
	}
	if c.reading {
		*v = T(c.take(n))
	} else {
		c.buf = append(c.buf, *v...)
	}
	if !utf8.ValidString(string(*v)) {
		c.fail("text that is not UTF-8")
	}
}

// room is the name of a room.
func (c *coder) room(v *string) {
	text(c, v, MaxRoom)
	if *v == "" {
		c.fail("no room")
	}
}

func name(c *coder, v *identity.Name) {
	if text(c, v, maxLabel); c.err == nil {
		_, c.err = identity.ParseName(string(*v))
	}
}

func endpoint(c *coder, v *room.EndpointID) {
	if text(c, v, maxLabel); c.err == nil {
		_, c.err = room.ParseEndpointID(string(*v))
	}
}

func source(c *coder, v *room.SourceName) {
	if text(c, v, maxLabel); c.err == nil {
		_, c.err = room.ParseSourceName(string(*v))
	}
}

// optional is a name that may be empty.
func optional[T ~string](c *coder, v *T, item func(*coder, *T)) {
	if c.reading && c.err == nil && len(c.buf) > 0 && c.buf[0] == 0 || !c.reading && *v == "" {
		text(c, v, 0)
		return
	}
	item(c, v)
}

// record is a length and so many bytes of fields. What a newer node appended to the fields is skipped.
func (c *coder) record(fields func(*coder)) {
	if c.err != nil {
		return
	}
	if c.reading {
		var n uint64
		c.uvarint(&n)
		inner := c.take(n)
		rest := c.buf
		c.buf = inner
		fields(c)
		c.buf = rest
		return
	}
	start := len(c.buf)
	fields(c)
	c.buf = slices.Insert(c.buf, start, binary.AppendUvarint(nil, uint64(len(c.buf)-start))...)
}

// list is a count and so many records.
func list[T any](c *coder, v *[]T, limit int, fields func(*coder, *T)) {
	plain(c, v, limit, func(c *coder, v *T) { c.record(func(c *coder) { fields(c, v) }) })
}

// plain is a count and so many items without lengths of their own. The list grows as items are read: a count alone
// allocates nothing.
func plain[T any](c *coder, v *[]T, limit int, item func(*coder, *T)) {
	n := uint64(len(*v))
	if number(c, &n, 0, uint64(limit)); c.err != nil {
		return
	}
	if !c.reading {
		for i := range *v {
			item(c, &(*v)[i])
		}
		return
	}
	if n > uint64(len(c.buf)) {
		c.err = errTruncated
		return
	}
	*v = nil
	for i := range n {
		var zero T
		*v = append(*v, zero)
		if item(c, &(*v)[i]); c.err != nil {
			return
		}
	}
}
