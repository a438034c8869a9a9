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
// RTP never passes the loop: a leg hands packets to the sfu participant directly, and so does a link for the participants
// of other nodes.
//
// # Other nodes
//
// The room may stand on several nodes: each has a conference of its own, for its own clients. What the others must know
// goes through the room's replica (cascade/room): who is here, what they send and say, and the header. A room is opened
// when the mesh has said what the cluster knows of it and the nodes that hold it have told who is there, after a quarter of a
// second at the latest; what clients send meanwhile waits.
// The replica's header is the room's; on the sequencer's node the muc writes to it, elsewhere stanzas that would change it are
// sent to the sequencer, and the client is answered when the change has come back. Media of other nodes is pulled (cascade/route)
// while somebody here wants it, and sent to the nodes that pull it.
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
	"runtime"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/route"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/sfu"
	"github.com/atoll-mesh/atoll/signaling/muc"
)

const (
	// aloneGrace is how long the media session of somebody left alone goes on.
	aloneGrace = 20 * time.Second
	// tick is how often the engines are asked what is due while media flows.
	tick = 100 * time.Millisecond
	// flowTick is the same while media comes from other nodes: what is missing is asked for at these times.
	flowTick = 20 * time.Millisecond
)

// Conference is one room at this node.
type Conference struct {
	rooms *Rooms
	jid   string // bare JID of the room
	id    string // in bridge channel URLs
	log   *slog.Logger
	mail  *mailbox

	self    identity.Name
	mesh    Mesh
	replica *room.Replica
	pulls   *route.Pulls
	serving *route.Serving
	opening opening
	open    bool            // the cluster has said what it knows of the room
	held    []letter        // until then
	others  []identity.Name // nodes that hold the room too
	remotes map[room.EndpointID]*remote
	relays  map[identity.Name]*relay
	wanted  map[room.SourceName]int // of sources of other nodes
	flows   map[uint32]pull         // subscriptions of this node
	// upstream is read from the goroutines of links and legs: by source, the newest subscription.
	upstream    sync.Map
	commands    map[uint64]*command
	asking      *remote // whose command is being carried out
	measured    time.Time
	lastCommand uint64

	muc        *muc.Room
	sfu        *sfu.Room
	doors      doors
	byJID      map[string]*participant
	byEndpoint map[room.EndpointID]*participant
	outside    map[string]Session // who asked something without being in: their answers go here
	aloneSince time.Time
	carried    *[]wire.Pull // collects the subscriptions at the node where somebody goes
	lingering  []lingering
	expected   map[room.EndpointID]time.Time // who is to come, and until when
	releases   []*release                    // waiting until every stream of theirs is suspended
	empty      bool
	stopping   bool // the node stops
}

func newConference(r *Rooms, jid, id string) *Conference {
	c := &Conference{
		rooms:      r,
		jid:        jid,
		id:         id,
		log:        r.cfg.Log.With("conference", id),
		mail:       newMailbox(),
		self:       identity.Name(r.cfg.Node),
		mesh:       r.cfg.Mesh,
		remotes:    make(map[room.EndpointID]*remote),
		relays:     make(map[identity.Name]*relay),
		wanted:     make(map[room.SourceName]int),
		flows:      make(map[uint32]pull),
		commands:   make(map[uint64]*command),
		sfu:        sfu.NewRoom(sfu.Config{Rand: r.cfg.Rand}),
		byJID:      make(map[string]*participant),
		byEndpoint: make(map[room.EndpointID]*participant),
		outside:    make(map[string]Session),
		expected:   make(map[room.EndpointID]time.Time),
		empty:      true,
	}
	c.replica = room.NewReplica(room.Config{Self: c.self, Room: jid, Incarnation: uint64(time.Now().UnixMicro())})
	c.muc = muc.New(muc.Config{
		JID:   jid,
		Focus: "focus@auth." + r.cfg.Domain + "/" + muc.FocusNick,
		Stamp: c.replica.Stamp,
	})
	c.muc.SetFounded(false)
	c.pulls = route.NewPulls(c.self, jid, c.mesh.NextSub)
	c.serving = route.NewServing(c.self, jid)
	c.opening.entered = time.Now()
	c.mesh.Enter(jid, peer{c})
	return c
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
		if l := c.mail.jumped(); l != nil {
			l(c, time.Now())
		}
		for _, l := range batch {
			if l := c.mail.jumped(); l != nil {
				l(c, time.Now())
			}
			l(c, time.Now())
			runtime.Gosched() // many letters at once must not keep media from a processor
		}
		clear(batch)
		spare = batch
		now := time.Now()
		if c.stopping && len(c.byJID) > 0 { // who was on the way in
			c.shutdown(now)
		}
		c.due(now)
		if c.empty && c.open && len(c.expected) == 0 && c.rooms.close(c) {
			c.withdraw(now)
			return
		}
		timer.Reset(c.wait(now))
	}
}

// due asks every engine what its time has come for.
func (c *Conference) due(now time.Time) {
	c.openDue(now)
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
	c.applyMUC(now, c.muc.Tick(now))
	c.applyReplica(now, c.replica.Tick(now))
	c.applyPulls(c.pulls.Tick(now))
	c.moveDue(now)
	c.retry(now)
	c.lagDue(now)
	c.showTopology(now)
	c.measure(now)
	for _, r := range c.remotes {
		r.media.Tick(now)
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
	if !c.open && !c.opening.until.IsZero() {
		return max(c.opening.until.Sub(now), time.Millisecond)
	}
	if len(c.byEndpoint)+len(c.expected) == 0 {
		return time.Hour
	}
	next := now.Add(time.Minute)
	earliest := func(at time.Time) {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	if len(c.flows) > 0 {
		earliest(now.Add(flowTick))
	}
	if len(c.commands) > 0 {
		earliest(now.Add(tick))
	}
	for _, p := range c.byEndpoint {
		if p.leg != nil {
			earliest(now.Add(tick))
		}
		earliest(p.focus.Next())
		earliest(p.gone())
		earliest(p.inviteAt)
		earliest(p.topologyAt)
		if p.lag != nil {
			earliest(p.lag.until)
		}
	}
	for _, at := range c.expected {
		earliest(at)
	}
	for _, l := range c.lingering {
		earliest(l.until)
	}
	earliest(c.muc.Next())
	earliest(c.replica.Next())
	earliest(c.pulls.Next())
	if at := c.opening.entered; !at.IsZero() {
		earliest(at.Add(headerTime))
	}
	if !c.aloneSince.IsZero() {
		earliest(c.aloneSince.Add(aloneGrace))
	}
	return max(next.Sub(now), time.Millisecond)
}
