package conference

import (
	"errors"
	"strings"
	"time"

	"mellium.im/xmpp/jid"

	"github.com/atoll-mesh/atoll/signaling/focus"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Answerer answers IQs to the domain itself.
type Answerer interface {
	Answer(iq *stanza.Element) *stanza.Element
}

// Router takes the stanzas of every client stream to where they belong: the domain, the conference focus or a room.
type Router struct {
	rooms  *Rooms
	domain Answerer
	desk   focus.Desk
}

// NewRouter returns a router into rooms.
func NewRouter(rooms *Rooms, domain Answerer, desk focus.Desk) *Router {
	return &Router{rooms: rooms, domain: domain, desk: desk}
}

// Stanza routes one stanza of s. Its from is the session's JID already.
func (r *Router) Stanza(s Session, st *stanza.Element) {
	to := st.Attr("to")
	cfg := &r.rooms.cfg
	switch {
	case to == "" || to == cfg.Domain || to == "conference."+cfg.Domain:
		r.answer(s, st, r.domain.Answer)
	case to == "focus."+cfg.Domain || strings.HasPrefix(to, "focus."+cfg.Domain+"/"):
		r.answer(s, st, r.desk.IQ)
	default:
		addr, err := jid.Parse(to)
		switch {
		case err != nil:
			refuse(s, st, "modify", "jid-malformed")
		case addr.Localpart() != "" && addr.Domainpart() == "conference."+cfg.Domain:
			st.Set("to", addr.String())
			r.room(s, st, addr.Bare().String())
		case addr.Bare().String() == bare(s.JID()):
			r.answer(s, st, r.domain.Answer)
		default:
			refuse(s, st, "cancel", "service-unavailable")
		}
	}
}

func (r *Router) room(s Session, st *stanza.Element, room string) {
	apply := func(c *Conference, now time.Time) { c.stanza(now, s, st) }
	var err error
	if st.Local == "presence" && st.Attr("type") == "" && st.Child("http://jabber.org/protocol/muc", "x") != nil {
		err = r.rooms.knock(s.JID(), room, apply)
	} else {
		err = r.rooms.post(room, false, apply)
	}
	switch {
	case err == nil:
	case errors.Is(err, errNoRoom):
		if st.Local == "iq" {
			refuse(s, st, "cancel", "item-not-found")
		}
	default:
		refuse(s, st, "wait", "resource-constraint")
	}
}

func (r *Router) answer(s Session, st *stanza.Element, by func(*stanza.Element) *stanza.Element) {
	if st.Local != "iq" || !isRequest(st) {
		return
	}
	if reply := by(st); reply != nil {
		s.Send(reply.Bytes())
	}
}

// Suspended tells the rooms of s that its socket is lost.
func (r *Router) Suspended(s Session) {
	r.rooms.each(s.JID(), func(c *Conference, now time.Time) { c.suspended(now, s) })
}

// Resumed tells the rooms of s that its socket is back.
func (r *Router) Resumed(s Session) {
	r.rooms.each(s.JID(), func(c *Conference, now time.Time) { c.resumed(now, s) })
}

// Closed tells the rooms of s that it is gone for good; asked says that the client wanted it.
func (r *Router) Closed(s Session, asked bool) {
	r.rooms.each(s.JID(), func(c *Conference, now time.Time) { c.closed(now, s, asked) })
}

func isRequest(iq *stanza.Element) bool {
	t := iq.Attr("type")
	return t == "get" || t == "set"
}

func refuse(s Session, st *stanza.Element, kind, condition string) {
	t := st.Attr("type")
	if t == "error" || st.Local == "iq" && !isRequest(st) {
		return
	}
	s.Send(stanza.ErrorReply(st, kind, condition, "").Bytes())
}

func bare(full string) string {
	b, _, _ := strings.Cut(full, "/")
	return b
}
