// Package conference is the part of a room that lives at one node: one loop with one mailbox that orders everything.
//
// A [Conference] owns four engines and calls them from its loop only: the room as XMPP (signaling/muc), one Jingle
// session per participant (signaling/focus), and who is sent what (node/sfu). Sockets belong to others: the XMPP stream
// of a client, its leg and its bridge channel put letters into the mailbox and are sent to without blocking.
//
//	stream ──stanza──▶ ┌────────────┐ ──▶ muc ──▶ stanzas to local clients
//	leg ───connected─▶ │ mailbox →  │ ──▶ focus ─▶ Jingle to one client
//	channel ─message─▶ │   loop     │ ──▶ sfu ───▶ source maps, forwarding tables
//	                   └────────────┘
//
// RTP never passes the loop: a leg hands packets to the sfu participant directly.
//
// Order that clients can rely on: presence of an occupant comes before its sources, a source map is sent before the
// media of its slots, and the Jingle session of a participant ends before its unavailable presence.
//
// Choices where the design is silent: a participant is invited once its features are known and somebody else is there;
// a session that the client terminated without asking for a restart stays ended until the client joins anew; a leg that
// dies under a living stream is replaced by a fresh session. After four sessions in a row the next one has to wait: one every
// ten seconds, so that a client that restarts for ever costs the others little. [Rooms] finds the conference for a stanza, a bridge channel or
// a question of the admin API.
package conference

import (
	"log/slog"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu"
	"github.com/atoll-mesh/atoll/signaling/muc"
)

const (
	// aloneGrace is how long the media session of somebody left alone goes on.
	aloneGrace = 20 * time.Second
	// tick is how often the engines are asked what is due while media flows.
	tick = 100 * time.Millisecond
)

// Conference is one room at this node.
type Conference struct {
	rooms *Rooms
	jid   string // bare JID of the room
	id    string // in bridge channel URLs
	log   *slog.Logger
	mail  *mailbox

	muc        *muc.Room
	sfu        *sfu.Room
	doors      doors
	byJID      map[string]*participant
	byEndpoint map[room.EndpointID]*participant
	outside    map[string]Session // who asked something without being in: their answers go here
	aloneSince time.Time
	releases   []*release // waiting until every stream of theirs is suspended
	empty      bool
}

func newConference(r *Rooms, jid, id string) *Conference {
	return &Conference{
		rooms: r,
		jid:   jid,
		id:    id,
		log:   r.cfg.Log.With("conference", id),
		mail:  newMailbox(),
		muc: muc.New(muc.Config{
			JID:       jid,
			Focus:     "focus@auth." + r.cfg.Domain + "/" + muc.FocusNick,
			MeetingID: randomHex(16),
		}),
		sfu:        sfu.NewRoom(sfu.Config{Rand: r.cfg.Rand}),
		byJID:      make(map[string]*participant),
		byEndpoint: make(map[room.EndpointID]*participant),
		outside:    make(map[string]Session),
		empty:      true,
	}
}

// run is the loop. It ends when the room is empty and nothing waits.
func (c *Conference) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var spare []letter
	for {
		select {
		case <-c.mail.ready:
		case <-timer.C:
		}
		batch := c.mail.take(spare)
		for _, l := range batch {
			l(c, time.Now())
		}
		clear(batch)
		spare = batch
		now := time.Now()
		c.due(now)
		if c.empty && c.rooms.close(c) {
			return
		}
		timer.Reset(c.wait(now))
	}
}

// due asks every engine what its time has come for.
func (c *Conference) due(now time.Time) {
	again := false
	for _, p := range c.byEndpoint {
		c.applyFocus(now, p, p.focus.Tick(now))
		if at := p.inviteAt; !at.IsZero() && !now.Before(at) {
			p.inviteAt, again = time.Time{}, true
		}
		if at := p.gone(); !at.IsZero() && !now.Before(at) {
			c.applyMUC(now, c.muc.Remove(now, p.jid, muc.Gone))
			p.session.Close("")
		}
	}
	if again {
		c.headcount(now)
	}
	c.applySFU(now, c.sfu.Tick(now))
	if !c.aloneSince.IsZero() && now.Sub(c.aloneSince) >= aloneGrace {
		c.aloneSince = time.Time{}
		for _, p := range c.byEndpoint {
			c.endMedia(now, p, "expired")
		}
	}
}

func (c *Conference) wait(now time.Time) time.Duration {
	if len(c.byEndpoint) == 0 {
		return time.Hour
	}
	next := now.Add(time.Minute)
	for _, p := range c.byEndpoint {
		if p.leg != nil {
			return tick
		}
		for _, at := range []time.Time{p.focus.Next(), p.gone(), p.inviteAt} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
	}
	if at := c.aloneSince.Add(aloneGrace); !c.aloneSince.IsZero() && at.Before(next) {
		next = at
	}
	return max(next.Sub(now), time.Millisecond)
}
