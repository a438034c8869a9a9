package simnet

import (
	"net/netip"
	"syscall"
	"time"
)

// kind is what a segment of a stream says.
type kind uint8

const (
	open     kind = iota // the first of a stream
	accepted             // answers open
	settled              // answers accepted: the stream may be taken from its listener
	data
	credit // so many bytes were read
	reset
)

const (
	segmentHeader = 40   // bytes of TCP and IP
	segmentData   = 1400 // most bytes of a stream in one
	window        = 256 << 10
	backlog       = 128 // streams that nobody accepted

	attempts     = 15 // Linux: tcp_retries2
	openAttempts = 6  // Linux: tcp_syn_retries
	slowest      = 2 * time.Minute
)

// segment is one packet of a stream. Every segment is delivered at most once, so that no more numbers are needed.
type segment struct {
	kind   kind
	number uint64 // of data, from 0
	data   []byte
	end    bool // of data: nothing follows
	read   int  // of credit
}

// transmit sends a segment until it arrives or the stream is given up.
func (c *StreamConn) transmit(s *segment) { c.attempt(s, 0) }

func (c *StreamConn) attempt(s *segment, before int) {
	h := c.host
	p := &packet{src: c.local, dst: c.remote, segment: s}
	p.lost = func() {
		most, wait := attempts, max(200*time.Millisecond, 2*c.roundTrip())
		if s.kind == open {
			most, wait = openAttempts, time.Second
		}
		switch {
		case s.kind == reset || c.broken:
			return
		case before == most:
			c.fail(syscall.ETIMEDOUT)
			return
		}
		h.net.after(min(wait<<before, slowest), func() {
			if !c.broken {
				c.attempt(s, before+1)
			}
		})
	}
	h.send(p)
}

// roundTrip returns how long the way to the peer's site and back is, as far as it can be seen from here.
func (c *StreamConn) roundTrip() time.Duration {
	var from Site = c.host
	for at := c.host.realm; at != nil; at = at.nat.outer {
		if to := at.sites[c.remote.Addr()]; to != nil {
			return c.host.net.round(from, to)
		}
		if at.nat == nil {
			break
		}
		from = at.nat
	}
	return 0
}

// arriveSegment gives a segment to the stream it belongs to.
func (h *Host) arriveSegment(p *packet) {
	c := h.streams[pair{p.dst, p.src}]
	switch {
	case p.segment.kind == open && c == nil:
		h.arriveOpen(p)
	case c != nil:
		c.arrive(p.segment)
	case p.segment.kind != reset && p.segment.kind != credit:
		h.refuse(p.dst, p.src)
	}
}

func (h *Host) arriveOpen(p *packet) {
	l := h.listeners[p.dst]
	if l == nil {
		l = h.listeners[netip.AddrPortFrom(netip.Addr{}, p.dst.Port())]
	}
	if l == nil {
		h.refuse(p.dst, p.src)
		return
	}
	c := newStream(h, p.dst, p.src)
	c.listener = l
	c.transmit(&segment{kind: accepted})
}

// refuse tells the other end of a stream that there is no such one.
func (h *Host) refuse(local, remote netip.AddrPort) {
	h.send(&packet{src: local, dst: remote, segment: &segment{kind: reset}})
}
