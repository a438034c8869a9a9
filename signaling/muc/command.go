package muc

import (
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// command applies what o, of another node, asks this one to do because it has the authority: what becomes a [Command] at
// its own node. Everything else is refused.
func (r *Room) command(now time.Time, o *occupant, nick string, st *stanza.Element) []Effect {
	if r.authority && nick == "" && len(st.Children) > 0 {
		q := st.Children[0]
		switch kind := st.Attr("type"); {
		case st.Local == "message" && kind == "groupchat" && st.Child(nsClient, "subject") != nil && st.Child(nsClient, "body") == nil:
			return r.message(now, o.jid, o, "", st)
		case st.Local == "iq" && kind == "set" && q.Local == "query" && (q.Space == nsAdmin || q.Space == nsOwner):
			return r.iq(now, o.jid, o, "", st)
		}
	}
	if st.Local == "presence" && st.Attr("type") != "" {
		return nil
	}
	return refuse(o.jid, st, "cancel", "conflict", "in the room at another node")
}

// Fail answers the [Command] of a client of this node that no other node took. A message is not answered: its sender sees
// that the subject stays.
func (r *Room) Fail(_ time.Time, jid string, st *stanza.Element) []Effect {
	if st.Local != "iq" {
		return nil
	}
	return refuse(jid, st, "wait", "remote-server-timeout", "the node that decides cannot be reached")
}
