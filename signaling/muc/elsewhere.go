package muc

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// elsewhere is how many times Limits.Occupants may be at other nodes.
const elsewhere = 4

// passedOn bounds what other nodes pass on. It is more than clients may send: what a node writes anew has more namespaces.
var passedOn = stanza.Limits{Bytes: 1 << 20, Depth: 70, Attributes: 200, Elements: 1 << 13, Namespaces: 1 << 13}

// Remote is an occupant as another node tells of it.
type Remote struct {
	Nick     string
	JID      string // real full JID
	Joined   room.Time
	Presence []byte // children that others see
}

// Appear takes an occupant of another node into the room, or what is new of one that is in it already. Everybody here sees
// it come, or change. Who moved there from here was seen all the time. Nobody sees it while the header does not allow it
// here, and while its nick or JID is that of somebody else; it comes when that is over.
func (r *Room) Appear(now time.Time, x Remote) []Effect {
	if !nickAllowed(x.JID, x.Nick) || len(x.JID) > maxJID || resource(x.JID) == "" || r.cfg.Focus != "" && bareJID(x.JID) == bareJID(r.cfg.Focus) {
		return nil
	}
	known := r.roster.nicks[x.Nick]
	if known != nil && !known.local {
		return r.finish(r.refresh(now, known, x))
	}
	if r.hidden[x.Nick] == nil && len(r.roster.order)+len(r.hidden) >= elsewhere*r.cfg.Limits.Occupants {
		return nil
	}
	o := &occupant{nick: strings.Clone(x.Nick), jid: strings.Clone(x.JID), joined: x.Joined}
	o.bare, o.presence = bareJID(o.jid), r.readable(x)
	r.hidden[o.nick] = o
	return r.finish(r.elect(now, r.reveal(now, nil)))
}

// Change is [Room.Appear] for who is known. Of anybody else it is nothing.
func (r *Room) Change(now time.Time, x Remote) []Effect {
	if known := r.roster.nicks[x.Nick]; r.hidden[x.Nick] == nil && (known == nil || known.local) {
		return nil
	}
	return r.Appear(now, x)
}

// refresh takes what is new of an occupant of another node.
func (r *Room) refresh(now time.Time, o *occupant, x Remote) []Effect {
	if other := r.roster.jids[x.JID]; other != nil && other != o {
		return nil
	}
	o.until = time.Time{}
	presence := o.presence
	if !bytes.Equal(x.Presence, presence) {
		presence = r.readable(x)
	}
	news := x.JID != o.jid || !bytes.Equal(presence, o.presence)
	o.presence = presence
	var effects []Effect
	if x.JID != o.jid || x.Joined != o.joined {
		r.roster.remove(o)
		o.jid, o.joined = strings.Clone(x.JID), x.Joined
		o.bare = bareJID(o.jid)
		r.roster.add(o)
		effects, _ = r.enforce(nil, now)
		effects = r.settle(now, r.reveal(now, effects))
	}
	if news && r.roster.nicks[o.nick] == o {
		effects = r.announce(effects, o, "")
	}
	return effects
}

// readable returns the presence of an occupant of another node, without what no client may say.
func (r *Room) readable(x Remote) []byte {
	return joinBytes(believed(r.stored(x.JID, x.Nick, x.Presence)))
}

// reveal shows the hidden occupants of other nodes whom nothing keeps hidden any more.
func (r *Room) reveal(now time.Time, effects []Effect) []Effect {
	if len(r.hidden) == 0 {
		return effects
	}
	var free []*occupant
	for _, o := range r.hidden {
		free = append(free, o)
	}
	slices.SortFunc(free, compare)
	for _, o := range free {
		if _, out := r.outlawed(o); out || r.roster.nicks[o.nick] != nil || r.roster.jids[o.jid] != nil {
			continue
		}
		delete(r.hidden, o.nick)
		r.enter(o)
		r.choose(now)
		o.shown = r.standing(o)
		effects = r.announceOthers(effects, o, "")
	}
	return effects
}

// Vanish takes an occupant of another node out of the room. Everybody here sees it go, once. With the cause [room.Moved]
// nobody is told, and it stays for as long as one that moved away from here.
func (r *Room) Vanish(now time.Time, gone room.Removal) []Effect {
	nick := string(gone.Endpoint)
	if gone.Cause != room.Moved {
		delete(r.hidden, nick)
	}
	o := r.roster.nicks[nick]
	if o == nil || o.local {
		return nil
	}
	effects := r.drop(nil, now, o, departureOf(gone))
	return r.finish(r.elect(now, r.reveal(now, effects)))
}

// Hear delivers what an occupant of another node said to everybody.
func (r *Room) Hear(_ time.Time, u room.Utterance) []Effect {
	o := r.roster.nicks[string(u.From)]
	if o == nil || o.local || max(len(u.ID), len(u.Lang)) > r.cfg.Limits.ID {
		return nil
	}
	v := r.envelope("message", o.nick)
	v.Type, v.ID, v.Lang = "groupchat", u.ID, u.Lang
	inner := r.heard(v, u.Inner)
	if len(inner) == 0 {
		return nil
	}
	return r.spread(nil, v, inner)
}

// heard returns what stands in a message of an occupant of another node, without what no client may say, nil when it
// cannot be read. The stanza id of the other node stays.
func (r *Room) heard(v stanza.Envelope, inner []byte) []byte {
	const stanzaID = 1024
	if len(inner) > r.cfg.Limits.Payload+stanzaID {
		return nil
	}
	st, err := stanza.Parse(v.Append(nil, inner), passedOn)
	if err != nil {
		return nil
	}
	var kept []*stanza.Element
	for _, c := range st.Children {
		named := c.Is(nsStanzaID, "stanza-id") && c.Attr("by") == r.cfg.JID && len(c.Children) == 0
		if named || !injected(c) && !reserved(c, "message") && !c.Is(nsClient, "subject") {
			kept = append(kept, c)
		}
	}
	return joinBytes(kept)
}

// Directed is what an occupant of another node says to one of this node. Name is "message" or "iq".
type Directed struct {
	From, To             room.EndpointID
	Name, Type, ID, Lang string
	Inner                []byte
}

// Directed delivers what an occupant of another node says to one of this node. A request waits for its answer from then
// on, an answer passes when a request waits for it.
func (r *Room) Directed(now time.Time, m Directed) []Effect {
	from, to := r.roster.nicks[string(m.From)], r.roster.nicks[string(m.To)]
	if from == nil || from.local || to == nil || !to.local || max(len(m.ID), len(m.Lang)) > r.cfg.Limits.ID {
		return nil
	}
	v := r.envelope(m.Name, from.nick)
	v.Type, v.ID, v.Lang = m.Type, m.ID, m.Lang
	switch {
	case m.Name == "message" && m.Type != "groupchat" && m.Type != "error":
		if inner := r.heard(v, m.Inner); len(inner) > 0 {
			return []Effect{r.relayed(from, to, v, inner)}
		}
		return nil
	case m.Name != "iq" || m.ID == "" || len(m.Inner) > r.cfg.Limits.Payload:
		return nil
	}
	st, err := stanza.Parse(v.Append(nil, m.Inner), passedOn)
	if err != nil {
		return nil
	}
	switch m.Type {
	case "get", "set":
		if !r.pending.add(now, route{from.nick, to.nick, strings.Clone(m.ID)}) {
			busy := stanza.ErrorReply(st, "wait", "resource-constraint", "too many requests without an answer")
			return []Effect{Away{From: r.public(to), To: r.public(from), Name: "iq", Type: "error", ID: m.ID, Inner: busy.Inner()}}
		}
	case "result", "error":
		if !r.pending.take(now, route{to.nick, from.nick, m.ID}) {
			return nil
		}
	default:
		return nil
	}
	return []Effect{r.relayed(from, to, v, st.Inner())}
}
