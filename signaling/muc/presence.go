package muc

import (
	"bytes"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func (r *Room) presence(now time.Time, from string, o *occupant, nick string, st *stanza.Element) []Effect {
	switch st.Attr("type") {
	case "":
	case "unavailable":
		if o == nil {
			return nil
		}
		return r.remove(now, o, departure{cause: ByItself, id: st.Attr("id")})
	default: // probes, subscriptions and errors mean nothing to a room
		return nil
	}
	x := st.Child(nsMUC, "x")
	switch {
	case nick == "":
		return refuse(from, st, "modify", "jid-malformed", "a room is joined with a nick")
	case o != nil && nick != o.nick:
		return refuse(from, st, "modify", "not-acceptable", "the nick is fixed")
	case o == nil && x == nil:
		return refuse(from, st, "cancel", "item-not-found", "not in the room")
	}
	kept := believed(st)
	payload := joinBytes(kept)
	if len(payload) > r.cfg.Limits.Presence || len(st.Attr("id")) > r.cfg.Limits.ID {
		return refuse(from, st, "modify", "policy-violation", "presence too large")
	}
	if o == nil {
		return r.join(now, from, nick, st, x, kept, payload)
	}
	o.presence = payload
	var effects []Effect
	if x != nil { // who joins again lost what it knew of the room
		effects = r.arrive(effects, o, st.Attr("id"))
	} else {
		effects = r.announce(effects, o, st.Attr("id"))
	}
	return append(effects, Updated{Occupant: r.public(o), Presence: view(st, kept)})
}

// announce tells everybody here but some, o last, the presence of o.
func (r *Room) announce(effects []Effect, o *occupant, id string, except ...*occupant) []Effect {
	effects = r.announceOthers(effects, o, id, except...)
	if !o.local {
		return effects
	}
	return append(effects, r.selfPresence(o, id))
}

func (r *Room) announceOthers(effects []Effect, o *occupant, id string, except ...*occupant) []Effect {
	v := r.envelope("presence", o.nick)
	v.ID = id
	return r.spread(effects, v, append(r.item(o).Bytes(), o.presence...), append(except, o)...)
}

func (r *Room) selfPresence(o *occupant, id string, codes ...string) Deliver {
	v := r.envelope("presence", o.nick)
	v.ID, v.To = id, o.jid
	return deliver(v, append(r.item(o, append(codes, "110")...).Bytes(), o.presence...))
}

// face is the presence of an occupant as who enters gets it, but for the address of that one: two hundred who enter at once get it from
// each other, and it is the same for all of them until something in it changes.
type face struct {
	jid      string
	standing standing
	presence []byte
	whole    []byte
}

// face returns that of o.
func (r *Room) face(o *occupant) []byte {
	f := &o.face
	if now := r.standing(o); f.whole == nil || f.jid != o.jid || f.standing != now || !bytes.Equal(f.presence, o.presence) {
		*f = face{o.jid, now, o.presence, r.envelope("presence", o.nick).Append(nil, append(r.item(o).Bytes(), o.presence...))}
	}
	return f.whole
}

// item returns the element of the room in the presence of o.
func (r *Room) item(o *occupant, codes ...string) *stanza.Element {
	x := stanza.New(nsUser, "x").With(
		stanza.New(nsUser, "item", "affiliation", r.affiliation(o), "role", r.role(o), "jid", o.jid))
	return withStatus(x, codes...)
}

func withStatus(x *stanza.Element, codes ...string) *stanza.Element {
	for _, code := range codes {
		x.With(stanza.New(nsUser, "status", "code", code))
	}
	return x
}

// view is a presence as others see it, but for the element of the room.
func view(st *stanza.Element, kept []*stanza.Element) *stanza.Element {
	return &stanza.Element{Space: st.Space, Local: st.Local, Attrs: st.Attrs, Children: kept}
}
