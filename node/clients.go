package node

import (
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stream"
)

// clients hands what client streams bring to the rooms.
type clients struct{ router *conference.Router }

func (c clients) Bound(*stream.Session) {}

func (c clients) Stanza(s *stream.Session, st *stanza.Element) { c.router.Stanza(s, st) }

func (c clients) Suspended(s *stream.Session) { c.router.Suspended(s) }

func (c clients) Resumed(s *stream.Session) { c.router.Resumed(s) }

func (c clients) Closed(s *stream.Session, cause stream.Cause) {
	c.router.Closed(s, cause == stream.ClientClosed)
}
