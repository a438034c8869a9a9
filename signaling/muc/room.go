package muc

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Room is one room. It is not safe for concurrent use.
type Room struct {
	cfg     Config
	header  header
	created time.Time
	roster  roster
	pending pending
	// focus holds the children of the focus' presence, without the element of the room.
	focus      []byte
	properties map[string]string

	// authority: this node decides what is in the header. founded: the room began here. shared: the header came from
	// outside at least once.
	authority, founded, shared bool

	// hidden are the occupants of other nodes whom nobody here may see: kicked and not yet gone, or with the name of
	// somebody of this node.
	hidden map[string]*occupant
	movers []*occupant // see moving

	moderator  room.Moderator
	candidates []room.Candidate
	automatic  string    // nick of who is owner because nobody else is
	stale      []string  // nicks that became or ceased to be that since everybody was told
	unsettled  time.Time // since when somebody who moved here was not told what it is
	stamped    room.Time // the last, when no [Config].Stamp gives them
	writes     []room.Write
}

// New returns an empty room that has the authority over its own header and was founded here, as fits a node alone.
func New(cfg Config) *Room {
	cfg.Limits = cfg.Limits.withDefaults()
	r := &Room{cfg: cfg, authority: true, founded: true}
	r.forget()
	r.focus = focusPresence(nil)
	return r
}

func (r *Room) forget() {
	r.header, r.created = newHeader(), r.cfg.Created
	r.roster = newRoster()
	r.pending = newPending(r.cfg.Limits)
	r.hidden = make(map[string]*occupant)
	r.moderator, r.automatic, r.unsettled = room.Moderator{}, "", time.Time{}
	r.movers, r.stale, r.writes = nil, nil, nil
}

// SetAuthority says whether this node decides what is in the header. Where it does not, a stanza that would change the
// header becomes a [Command].
func (r *Room) SetAuthority(here bool) { r.authority = here }

// SetFounded says whether who joins while nobody is here created the room (status 201).
func (r *Room) SetFounded(here bool) { r.founded = here }

// Handle applies a stanza that the full JID from sent to the room or to one of its occupants. It keeps st only inside
// the effects that it returns. When from is an occupant of another node only its [Command] is applied, and what comes out
// for it is the answer.
func (r *Room) Handle(now time.Time, from string, st *stanza.Element) []Effect {
	o := r.roster.jids[from]
	nick := resource(st.Attr("to"))
	if o != nil && !o.local {
		return r.finish(r.command(now, o, nick, st))
	}
	switch st.Local {
	case "presence":
		return r.finish(r.presence(now, from, o, nick, st))
	case "message":
		return r.finish(r.message(now, from, o, nick, st))
	case "iq":
		return r.finish(r.iq(now, from, o, nick, st))
	}
	return nil
}

// finish puts what was written before everything else.
func (r *Room) finish(effects []Effect) []Effect {
	if len(r.writes) == 0 {
		return effects
	}
	w := Write{Fields: r.writes}
	r.writes = nil
	return slices.Insert(effects, 0, Effect(w))
}

// stamp returns the time of something that happens now.
func (r *Room) stamp(now time.Time) room.Time {
	if r.cfg.Stamp != nil {
		return r.cfg.Stamp(now)
	}
	r.stamped = max(room.At(now), r.stamped+1)
	return r.stamped
}

// Remove takes an occupant of this node out of the room. With the cause [Moved] nobody is told, and it stays as an
// occupant of another node, see [Room.Admit]. A JID that is not in the room is nothing.
func (r *Room) Remove(now time.Time, jid string, cause Cause) []Effect {
	o := r.roster.jids[jid]
	if o == nil || !o.local {
		return nil
	}
	return r.finish(r.remove(now, o, departure{cause: cause}))
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
	return Occupant{
		Nick: o.nick, JID: o.jid, Role: r.role(o), Affiliation: r.affiliation(o),
		Joined: o.joined, Local: o.local, Presence: o.presence,
	}
}

// envelope returns the envelope of what the occupant nick, or with "" the room itself, says.
func (r *Room) envelope(name, nick string) stanza.Envelope {
	from := r.cfg.JID
	if nick != "" {
		from += "/" + nick
	}
	return stanza.Envelope{Name: name, From: from}
}

// spread appends one copy of the stanza for every occupant of this node but those left out. The envelope's To must be empty: the
// stanza is built once and the address of each receiver is spliced in behind the name of the element.
func (r *Room) spread(effects []Effect, v stanza.Envelope, inner []byte, except ...*occupant) []Effect {
	whole := v.Append(nil, inner)
	effects = slices.Grow(effects, len(r.roster.here))
	for _, o := range r.roster.here {
		if !slices.Contains(except, o) {
			effects = append(effects, addressed(o, v.Name, whole))
		}
	}
	return effects
}

// addressed is for o what is whole but for the address.
func addressed(o *occupant, name string, whole []byte) Deliver {
	cut := 1 + len(name)
	b := make([]byte, 0, len(whole)+len(o.to))
	b = append(b, whole[:cut]...)
	b = append(b, o.to...)
	return Deliver{To: o.jid, Stanza: append(b, whole[cut:]...)}
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
