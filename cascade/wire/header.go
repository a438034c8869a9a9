package wire

import (
	"fmt"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// AppendHeader appends the parts of a room's header as directory servers keep them, who do not look inside.
func AppendHeader(dst []byte, parts []room.State) []byte {
	c := coder{buf: dst, version: Version}
	c.header(&parts)
	if c.err != nil || len(c.buf)-len(dst) > MaxHeader {
		return dst
	}
	return c.buf
}

// ParseHeader reads what [AppendHeader] wrote, also that of a node of another version.
func ParseHeader(b []byte) ([]room.State, error) {
	if len(b) > MaxHeader {
		return nil, fmt.Errorf("parse header: %d bytes, at most %d", len(b), MaxHeader)
	}
	var parts []room.State
	c := coder{buf: b, reading: true}
	if c.header(&parts); c.err != nil {
		return nil, fmt.Errorf("parse header: %w", c.err)
	}
	return parts, nil
}

// header begins with the version of the writer. Newer ones only append to records.
func (c *coder) header(parts *[]room.State) {
	version := c.version
	number(c, &version, 1, 1<<16-1)
	c.version = version
	list(c, parts, maxParts, func(c *coder, m *room.State) { c.state(m) })
}
