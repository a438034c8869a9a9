package muc

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Room is one room. It is not safe for concurrent use.
type Room struct {
	cfg     Config
	header  header
	roster  roster
	pending pending
	// focus holds the children of the focus' presence, without the element of the room.
	focus      []byte
	properties map[string]string
}

// New returns an empty room.
func New(cfg Config) *Room {
	cfg.Limits = cfg.Limits.withDefaults()
	r := &Room{cfg: cfg}
	r.forget()
	r.focus = focusPresence(nil)
	return r
}

func (r *Room) forget() {
	r.header = header{created: r.cfg.Created}
	r.roster = newRoster()
	r.pending = newPending(r.cfg.Limits)
}

// Handle applies a stanza that the full JID from sent to the room or to one of its occupants. It keeps st only inside
// the effects that it returns.
func (r *Room) Handle(now time.Time, from string, st *stanza.Element) []Effect {
	o := r.roster.jids[from]
	nick := resource(st.Attr("to"))
	switch st.Local {
	case "presence":
		return r.presence(now, from, o, nick, st)
	case "message":
		return r.message(now, from, o, nick, st)
	case "iq":
		return r.iq(now, from, o, nick, st)
	}
	return nil
}

// Remove takes an occupant out of the room. With the cause [Moved] nobody is told. A JID that is not in the room is
// nothing.
func (r *Room) Remove(now time.Time, jid string, cause Cause) []Effect {
	o := r.roster.jids[jid]
	if o == nil {
		return nil
	}
	return r.remove(now, o, departure{cause: cause})
}

// Occupant returns who has the nick. The focus is not an occupant here.
func (r *Room) Occupant(nick string) (Occupant, bool) {
	o := r.roster.nicks[nick]
	if o == nil {
		return Occupant{}, false
	}
	return r.public(o), true
}

// Occupants returns everybody in the room but the focus, in the order of joining.
func (r *Room) Occupants() []Occupant {
	all := make([]Occupant, len(r.roster.order))
	for i, o := range r.roster.order {
		all[i] = r.public(o)
	}
	return all
}

// SetFocusProperties sets the conference properties that the focus shows, and tells everybody when they changed.
func (r *Room) SetFocusProperties(properties map[string]string) []Effect {
	if r.cfg.Focus == "" || maps.Equal(properties, r.properties) {
		return nil
	}
	r.properties = maps.Clone(properties)
	r.focus = focusPresence(properties)
	return r.spread(nil, r.envelope("presence", FocusNick), r.focusInner())
}

func focusPresence(properties map[string]string) []byte {
	e := stanza.New(nsFocus, "conference-properties")
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		e.With(stanza.New(nsFocus, "property", "key", key, "value", properties[key]))
	}
	return e.Bytes()
}

func (r *Room) focusInner() []byte {
	x := stanza.New(nsUser, "x").With(
		stanza.New(nsUser, "item", "affiliation", affOwner, "role", roleModerator, "jid", r.cfg.Focus))
	return append(x.Bytes(), r.focus...)
}

func (r *Room) public(o *occupant) Occupant {
	return Occupant{Nick: o.nick, JID: o.jid, Role: r.role(o), Affiliation: r.affiliation(o), Joined: o.joined}
}

func (r *Room) affiliation(o *occupant) string {
	if o.automatic {
		return affOwner
	}
	return r.header.affiliation(o.bare)
}

func (r *Room) role(o *occupant) string {
	if o.appointed || r.affiliation(o) == affOwner {
		return roleModerator
	}
	return roleParticipant
}

// envelope returns the envelope of what the occupant nick, or with "" the room itself, says.
func (r *Room) envelope(name, nick string) stanza.Envelope {
	from := r.cfg.JID
	if nick != "" {
		from += "/" + nick
	}
	return stanza.Envelope{Name: name, From: from}
}

// spread appends one copy of the stanza for every occupant but those left out. The envelope's To must be empty: the
// stanza is built once and the address of each receiver is spliced in behind the name of the element.
func (r *Room) spread(effects []Effect, v stanza.Envelope, inner []byte, except ...*occupant) []Effect {
	whole := v.Append(nil, inner)
	cut := 1 + len(v.Name)
	effects = slices.Grow(effects, len(r.roster.order))
	for _, o := range r.roster.order {
		if slices.Contains(except, o) {
			continue
		}
		copied := make([]byte, 0, len(whole)+len(o.to))
		copied = append(copied, whole[:cut]...)
		copied = append(copied, o.to...)
		copied = append(copied, whole[cut:]...)
		effects = append(effects, Deliver{To: o.jid, Stanza: copied})
	}
	return effects
}

func deliver(v stanza.Envelope, inner []byte) Deliver {
	return Deliver{To: v.To, Stanza: v.Append(nil, inner)}
}

// address returns the attribute that names a receiver.
func address(jid string) []byte {
	var b bytes.Buffer
	b.WriteString(` to="`)
	_ = xml.EscapeText(&b, []byte(jid)) // a bytes.Buffer cannot fail
	b.WriteByte('"')
	return b.Bytes()
}

// refuse answers a stanza with an error, unless it is one that must not be answered.
func refuse(from string, st *stanza.Element, kind, condition, text string) []Effect {
	if t := st.Attr("type"); t == "error" || st.Local == "iq" && t == "result" {
		return nil
	}
	return answer(from, stanza.ErrorReply(st, kind, condition, text))
}

func answer(to string, reply *stanza.Element) []Effect {
	reply.Set("to", to)
	return []Effect{Deliver{To: to, Stanza: reply.Bytes()}}
}

// joinBytes returns the elements one after the other.
func joinBytes(elements []*stanza.Element) []byte {
	var b []byte
	for _, e := range elements {
		b = e.Append(b)
	}
	return b
}

func isTrue(s string) (value, ok bool) {
	switch strings.TrimSpace(s) {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	}
	return false, false
}
