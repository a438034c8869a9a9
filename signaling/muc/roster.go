package muc

import (
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Roles and affiliations of XEP-0045 that occur here.
const (
	roleNone        = "none"
	roleParticipant = "participant"
	roleModerator   = "moderator"

	affNone    = "none"
	affOwner   = "owner"
	affMember  = "member"
	affOutcast = "outcast"
)

// FocusNick is the nick of the focus in every room.
const FocusNick = "focus"

// Occupant is who is in the room, as it is now.
type Occupant struct {
	Nick              string
	JID               string // real full JID
	Role, Affiliation string
	Joined            time.Time
}

// Moderator tells whether the occupant may moderate.
func (o Occupant) Moderator() bool { return o.Role == roleModerator }

// occupant is one entry of the roster.
type occupant struct {
	nick     string
	jid      string
	bare     string
	to       []byte // ` to="<jid>"`, ready to be spliced in
	joined   time.Time
	presence []byte // children that others see, without the element of the room
	// automatic: owner because the room had no moderator. appointed: moderator by a grant of the role alone.
	automatic, appointed bool
}

// roster is who is here: by nick, by JID, and in the order of joining.
type roster struct {
	nicks map[string]*occupant
	jids  map[string]*occupant
	order []*occupant
}

func newRoster() roster {
	return roster{nicks: make(map[string]*occupant), jids: make(map[string]*occupant)}
}

func (r *roster) add(o *occupant) {
	at := len(r.order)
	for at > 0 && o.joined.Before(r.order[at-1].joined) {
		at--
	}
	r.order = slices.Insert(r.order, at, o)
	r.nicks[o.nick], r.jids[o.jid] = o, o
}

func (r *roster) remove(o *occupant) {
	delete(r.nicks, o.nick)
	delete(r.jids, o.jid)
	r.order = slices.DeleteFunc(r.order, func(other *occupant) bool { return other == o })
}

// nickAllowed tells whether the owner of the JID may be called nick.
func nickAllowed(jid, nick string) bool {
	if _, err := room.ParseEndpointID(nick); err != nil {
		return false
	}
	node, _, _ := strings.Cut(bareJID(jid), "@")
	if len(node) > 8 && node[8] == '-' {
		if _, err := room.ParseEndpointID(node[:8]); err == nil {
			return nick == node[:8]
		}
	}
	return true
}

func bareJID(jid string) string {
	bare, _, _ := strings.Cut(jid, "/")
	return bare
}

func resource(jid string) string {
	_, res, _ := strings.Cut(jid, "/")
	return res
}
