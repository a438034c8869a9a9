package muc

import (
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func (r *Room) iq(now time.Time, from string, o *occupant, nick string, st *stanza.Element) []Effect {
	id := st.Attr("id")
	switch st.Attr("type") {
	case "get", "set":
		if id == "" || len(id) > r.cfg.Limits.ID {
			return refuse(from, st, "modify", "bad-request", "an id is needed, and a short one")
		}
	case "result", "error":
		return r.response(now, o, nick, id, st)
	default:
		return refuse(from, st, "modify", "bad-request", "unknown type")
	}
	if nick == "" {
		return r.service(now, from, o, st)
	}
	target := r.roster.nicks[nick]
	switch {
	case o == nil:
		return refuse(from, st, "cancel", "not-acceptable", "not in the room")
	case nick == FocusNick && r.cfg.Focus != "":
		return []Effect{FocusIQ{From: r.public(o), IQ: st}}
	case target == nil:
		return refuse(from, st, "cancel", "item-not-found", "")
	case target == o && st.Attr("type") == "get" && st.Child(nsPing, "ping") != nil:
		return answer(from, stanza.Result(st))
	}
	inner := st.Inner()
	switch {
	case len(inner) > r.cfg.Limits.Payload:
		return refuse(from, st, "modify", "policy-violation", "request too large")
	case !r.pending.add(now, route{o.nick, target.nick, strings.Clone(id)}):
		return refuse(from, st, "wait", "resource-constraint", "too many requests without an answer")
	}
	return []Effect{r.relayed(o, target, r.passed("iq", o, st), inner)}
}

// response passes a result or an error on, when it answers a request that was relayed.
func (r *Room) response(now time.Time, o *occupant, nick, id string, st *stanza.Element) []Effect {
	if o == nil {
		return nil
	}
	if nick == FocusNick && r.cfg.Focus != "" {
		return []Effect{FocusIQ{From: r.public(o), IQ: st}}
	}
	target, inner := r.roster.nicks[nick], st.Inner()
	if target == nil || len(inner) > r.cfg.Limits.Payload || !r.pending.take(now, route{target.nick, o.nick, id}) {
		return nil
	}
	return []Effect{r.relayed(o, target, r.passed("iq", o, st), inner)}
}

// passed is the envelope of what o sent, without a receiver.
func (r *Room) passed(name string, o *occupant, st *stanza.Element) stanza.Envelope {
	v := r.envelope(name, o.nick)
	v.Type, v.ID, v.Lang = st.Attr("type"), st.Attr("id"), st.Attr("xml:lang")
	if len(v.Lang) > r.cfg.Limits.ID {
		v.Lang = ""
	}
	return v
}

// relayed passes on what o says to target alone.
func (r *Room) relayed(o, target *occupant, v stanza.Envelope, inner []byte) Effect {
	if !target.local {
		return Away{
			From: r.public(o), To: r.public(target), Name: v.Name,
			Type: strings.Clone(v.Type), ID: strings.Clone(v.ID), Lang: strings.Clone(v.Lang), Inner: inner,
		}
	}
	v.To = target.jid
	return deliver(v, inner)
}

// service answers what is asked of the room itself.
func (r *Room) service(now time.Time, from string, o *occupant, st *stanza.Element) []Effect {
	if len(st.Children) == 0 {
		return refuse(from, st, "modify", "bad-request", "nothing is asked")
	}
	q, get := st.Children[0], st.Attr("type") == "get"
	switch {
	case q.Space == nsPing && q.Local == "ping" && get:
		return answer(from, stanza.Result(st))
	case q.Local != "query":
	case q.Space == nsDiscoInfo && get:
		return r.info(from, o, st, q)
	case q.Space == nsDiscoItems && get:
		return r.items(from, o, st, q)
	case q.Space == nsAdmin || q.Space == nsOwner:
		switch {
		case o == nil:
			return refuse(from, st, "auth", "forbidden", "not in the room")
		case q.Space == nsAdmin && get:
			return r.listed(o, st, q)
		case !get && !r.authority:
			if len(st.Inner()) > r.cfg.Limits.Payload {
				return refuse(from, st, "modify", "policy-violation", "request too large")
			}
			return []Effect{Command{From: r.public(o), Stanza: st}}
		case q.Space == nsAdmin:
			return r.administer(now, o, st, q)
		case r.affiliation(o) != affOwner:
			return refuse(from, st, "auth", "forbidden", "only owners configure a room")
		case get:
			return answer(from, stanza.Result(st, r.configuration()))
		}
		return r.configure(now, o, st, q)
	}
	return refuse(from, st, "cancel", "service-unavailable", "")
}
