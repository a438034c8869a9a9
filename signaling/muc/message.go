package muc

import (
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func (r *Room) message(now time.Time, from string, o *occupant, nick string, st *stanza.Element) []Effect {
	kind := st.Attr("type")
	switch {
	case kind == "error":
		return nil
	case o == nil:
		return refuse(from, st, "cancel", "not-acceptable", "not in the room")
	case nick == FocusNick && r.cfg.Focus != "":
		return []Effect{FocusIQ{From: r.public(o), IQ: st}}
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
	subject, body := st.Child(nsClient, "subject"), st.Child(nsClient, "body")
	if kind == "groupchat" && subject != nil && body == nil {
		if refusal := r.setSubject(now, o, subject.Text, st); refusal != nil {
			return refusal
		}
	} else if subject != nil {
		kept = slices.DeleteFunc(kept, func(e *stanza.Element) bool { return e.Space == nsClient && e.Local == "subject" })
	}
	if len(kept) == 0 {
		return nil
	}
	inner := joinBytes(kept)
	if len(inner) > r.cfg.Limits.Payload || len(st.Attr("id")) > r.cfg.Limits.ID {
		return refuse(from, st, "modify", "policy-violation", "message too large")
	}
	v := r.envelope("message", o.nick)
	v.Type, v.ID, v.Lang = kind, st.Attr("id"), st.Attr("xml:lang")
	if target != nil {
		v.To = target.jid
		return []Effect{deliver(v, inner)}
	}
	if r.cfg.StanzaID != nil {
		inner = stanza.New(nsStanzaID, "stanza-id", "by", r.cfg.JID, "id", r.cfg.StanzaID()).Append(inner)
	}
	return r.spread(nil, v, inner)
}

// setSubject returns the refusal, nil when the subject is set.
func (r *Room) setSubject(now time.Time, o *occupant, subject string, st *stanza.Element) []Effect {
	switch {
	case r.role(o) != roleModerator && !r.header.openSubject:
		return refuse(o.jid, st, "auth", "forbidden", "only moderators change the subject")
	case len(subject) > r.cfg.Limits.Subject:
		return refuse(o.jid, st, "modify", "policy-violation", "subject too long")
	}
	r.header.subject, r.header.subjectBy, r.header.subjectAt = strings.Clone(subject), o.nick, now
	return nil
}

// subjectFor returns the message that ends the burst of a joiner (XEP-0045 7.2.15). The subject of somebody who is no
// longer here comes from the room.
func (r *Room) subjectFor(o *occupant) Deliver {
	by := r.header.subjectBy
	if r.roster.nicks[by] == nil {
		by = ""
	}
	v := r.envelope("message", by)
	v.To, v.Type = o.jid, "groupchat"
	inner := stanza.New(nsClient, "subject").WithText(r.header.subject).Bytes()
	if !r.header.subjectAt.IsZero() {
		stamp := r.header.subjectAt.UTC().Format(time.RFC3339)
		inner = stanza.New(nsDelay, "delay", "from", r.cfg.JID, "stamp", stamp).Append(inner)
	}
	return deliver(v, inner)
}
