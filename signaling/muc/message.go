package muc

import (
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// maxType is the longest type of a message: other nodes take no longer one.
const maxType = 64

func (r *Room) message(now time.Time, from string, o *occupant, nick string, st *stanza.Element) []Effect {
	kind := st.Attr("type")
	switch {
	case kind == "error":
		return nil
	case o == nil:
		return refuse(from, st, "cancel", "not-acceptable", "not in the room")
	case nick == FocusNick && r.cfg.Focus != "":
		return []Effect{FocusIQ{From: r.public(o), IQ: st}}
	case len(kind) > maxType:
		return refuse(from, st, "modify", "bad-request", "unknown type")
	case (nick == "") != (kind == "groupchat"):
		if nick == "" {
			return refuse(from, st, "cancel", "feature-not-implemented", "only groupchat is sent to a room")
		}
		return refuse(from, st, "modify", "bad-request", "groupchat is sent to the room")
	}
	target := r.roster.nicks[nick]
	if nick != "" && target == nil {
		return refuse(from, st, "cancel", "item-not-found", "")
	}
	kept := believed(st)
	subject := st.Child(nsClient, "subject")
	setting := kind == "groupchat" && subject != nil && st.Child(nsClient, "body") == nil
	if subject != nil && !setting {
		kept = slices.DeleteFunc(kept, func(e *stanza.Element) bool { return e.Space == nsClient && e.Local == "subject" })
	}
	if len(kept) == 0 {
		return nil
	}
	inner := joinBytes(kept)
	if len(inner) > r.cfg.Limits.Payload || len(st.Attr("id")) > r.cfg.Limits.ID {
		return refuse(from, st, "modify", "policy-violation", "message too large")
	}
	if setting {
		if !r.authority {
			return []Effect{Command{From: r.public(o), Stanza: st}}
		}
		if refusal := r.setSubject(now, o, subject.Text, st); refusal != nil {
			return refusal
		}
	}
	v := r.passed("message", o, st)
	if target != nil {
		return []Effect{r.relayed(o, target, v, inner)}
	}
	if r.cfg.StanzaID != nil {
		inner = stanza.New(nsStanzaID, "stanza-id", "by", r.cfg.JID, "id", r.cfg.StanzaID()).Append(inner)
	}
	effects := r.spread(nil, v, inner)
	if setting { // the others learn it from the header
		return effects
	}
	return append(effects, Said{room.Utterance{From: room.EndpointID(o.nick), ID: strings.Clone(v.ID), Lang: strings.Clone(v.Lang), Inner: inner}})
}

// setSubject returns the refusal, nil when the subject is set.
func (r *Room) setSubject(now time.Time, o *occupant, text string, st *stanza.Element) []Effect {
	switch {
	case r.role(o) != roleModerator && !r.header.openSubject:
		return refuse(o.jid, st, "auth", "forbidden", "only moderators change the subject")
	case len(text) > r.cfg.Limits.Subject:
		return refuse(o.jid, st, "modify", "policy-violation", "subject too long")
	}
	r.put(room.FieldSubject, subject{o.nick, r.stamp(now), text}.value())
	return nil
}

// subjectFor returns the message that ends the burst of a joiner (XEP-0045 7.2.15).
func (r *Room) subjectFor(o *occupant) Deliver {
	v := r.envelope("message", r.speaker(r.header.subject.by))
	v.To, v.Type = o.jid, "groupchat"
	inner := subjectElement(r.header.subject.text)
	if at := r.header.subject.at; at != 0 {
		stamp := at.Clock().UTC().Format(time.RFC3339)
		inner = stanza.New(nsDelay, "delay", "from", r.cfg.JID, "stamp", stamp).Append(inner)
	}
	return deliver(v, inner)
}

func subjectElement(text string) []byte {
	return stanza.New(nsClient, "subject").WithText(text).Bytes()
}

// speaker returns the nick, or "" for the room when nobody of that nick is here any more.
func (r *Room) speaker(nick string) string {
	if r.roster.nicks[nick] == nil {
		return ""
	}
	return nick
}
