package muc

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Config says which room it is and what bounds it has.
type Config struct {
	// JID is the bare JID of the room, as others write it (canonical, lower case).
	JID string
	// Focus is the real full JID that the focus occupant shows. Empty: the room has no focus.
	Focus string
	// MeetingID is told in the room's disco form until the header names the meeting.
	MeetingID string
	// Created is told in the room's disco form; zero: the time of the first join.
	Created time.Time
	// QuietCreation leaves status 201 out, so that stock clients do not configure the room that they created.
	QuietCreation bool
	// Stamp says when something happens, so that it is after all that was seen of other nodes. Nil: the clock.
	Stamp func(now time.Time) room.Time
	// StanzaID makes the id of a groupchat message (XEP-0359). Nil: messages carry none.
	StanzaID func() string
	Limits   Limits
}

// Limits bounds what clients can make a room hold. A zero field means its default.
type Limits struct {
	Occupants      int           // 500 in the whole room may join here; four times as many may be at other nodes
	Payload        int           // bytes inside one message or IQ: 64 KiB
	Presence       int           // bytes inside one presence, kept per occupant: 16 KiB
	Subject        int           // bytes: 2048
	Reason         int           // of a kick, a ban or the end of the room, bytes: 1024
	Password       int           // bytes: 256
	ID             int           // bytes of a stanza id or a language: 256
	Affiliations   int           // explicit affiliations, bans among them: 2000
	Header         int           // bytes of all fields of the header: 384 KiB
	Items          int           // items in one muc#admin request: 32
	Pending        int           // IQs waiting for an answer, whole room: 4096
	PendingEach    int           // of one requester: 64
	PendingTimeout time.Duration // 30 s
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		value    *int
		fallback int
	}{
		{&l.Occupants, 500},
		{&l.Payload, 64 << 10},
		{&l.Presence, 16 << 10},
		{&l.Subject, 2048},
		{&l.Reason, 1024},
		{&l.Password, 256},
		{&l.ID, 256},
		{&l.Affiliations, 2000},
		{&l.Header, 384 << 10},
		{&l.Items, 32},
		{&l.Pending, 4096},
		{&l.PendingEach, 64},
	} {
		if *f.value == 0 {
			*f.value = f.fallback
		}
	}
	if l.PendingTimeout == 0 {
		l.PendingTimeout = 30 * time.Second
	}
	return l
}
