package node

import (
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stream"
)

// clients hands what client streams bring to the rooms, and what becomes of them to what moves and finds them.
type clients struct {
	n      *Node
	router *conference.Router
}

func (c clients) Bound(*stream.Session) {}

func (c clients) Stanza(s *stream.Session, st *stanza.Element) { c.router.Stanza(s, st) }

func (c clients) Suspended(s *stream.Session) { c.router.Suspended(s) }

func (c clients) Resumed(s *stream.Session) {
	c.router.Resumed(s)
	if c.n.mover != nil {
		c.n.mover.Resumed(s.JID())
	}
}

func (c clients) Closed(s *stream.Session, cause stream.Cause) {
	c.router.Closed(s, cause == stream.ClientClosed)
	if c.n.mover != nil {
		c.n.mover.Closed(s.JID())
	}
	if c.n.resume != nil {
		c.n.resume.Ended(s.JID())
	}
}
