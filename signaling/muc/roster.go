package muc

import (
	"cmp"
	"crypto/sha256"
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
	Joined            room.Time
	// Local: a client of this node.
	Local bool
	// Presence holds the children that others see. It must not be changed.
	Presence []byte
}

// Moderator tells whether the occupant may moderate.
func (o Occupant) Moderator() bool { return o.Role == roleModerator }

// occupant is one entry of the roster.
type occupant struct {
	nick     string
	jid      string
	bare     string
	joined   room.Time
	presence []byte // children that others see, without the element of the room
	shown    standing
	local    bool
	face     face

	// Of this node only.
	to       []byte             // ` to="<jid>"`, ready to be spliced in
	password *[sha256.Size]byte // hash of what it gave when it joined

	// Of other nodes only: when one that moved there must have been seen.
	until time.Time
}

// roster is who is here: by nick, by JID, and in the order of joining, which is the same on every node.
type roster struct {
	nicks map[string]*occupant
	jids  map[string]*occupant
	bares map[string][]*occupant
	order []*occupant
	here  []*occupant // those of this node
}

func newRoster() roster {
	return roster{nicks: make(map[string]*occupant), jids: make(map[string]*occupant), bares: make(map[string][]*occupant)}
}

func (r *roster) add(o *occupant) {
	r.order = insert(r.order, o)
	if o.local {
		r.here = insert(r.here, o)
	}
	r.nicks[o.nick], r.jids[o.jid] = o, o
	r.bares[o.bare] = insert(r.bares[o.bare], o)
}

func (r *roster) remove(o *occupant) {
	delete(r.nicks, o.nick)
	delete(r.jids, o.jid)
	r.order, r.here = without(r.order, o), without(r.here, o)
	if rest := without(r.bares[o.bare], o); len(rest) > 0 {
		r.bares[o.bare] = rest
	} else {
		delete(r.bares, o.bare)
	}
}

func insert(all []*occupant, o *occupant) []*occupant {
	at, _ := slices.BinarySearchFunc(all, o, compare)
	return slices.Insert(all, at, o)
}

func without(all []*occupant, o *occupant) []*occupant {
	if at, found := slices.BinarySearchFunc(all, o, compare); found {
		return slices.Delete(all, at, at+1)
	}
	return all
}

func compare(a, b *occupant) int {
	return cmp.Or(cmp.Compare(a.joined, b.joined), cmp.Compare(a.nick, b.nick))
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
