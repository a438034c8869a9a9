package conference

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/signaling/focus"
	"github.com/atoll-mesh/atoll/signaling/muc"
)

// silence is how long a participant may have neither socket nor media before it counts as gone.
const silence = 30 * time.Second

// A client that ends its sessions, or whose legs die, gets a new one at once this many times, then one every so often: each
// costs a leg, and every other participant new source maps.
const (
	invitesAtOnce = 4
	inviteEvery   = 10 * time.Second
)

// participant is an occupant served by this node: its stream, its Jingle session, its leg and its bridge channel.
type participant struct {
	jid      string
	endpoint room.EndpointID
	session  Session
	focus    *focus.Participant

	suspendedAt time.Time // zero while the socket is there

	ready    bool      // features are known: may be invited
	ended    bool      // the client ended its session for good
	pace     time.Time // when the invitations so far are made up for
	inviteAt time.Time // when to invite who was invited too often, zero: nothing is due
	leg      Leg
	media    *receiver
	channel  *bridge.Channel
	// topologyAt is when it wants to be told of the topology again, zero: it does not.
	topologyAt time.Time
	pwd        string // of the bridge channel
	wants      wants
	sources    []room.Source // what it sends
	epoch      room.Epoch
	lag        *lag                        // nil: nothing is to be made up for
	recalls    map[identity.Name]time.Time // until when nodes may say again what it missed on its way here
	// answered waits for the client's answer to a transport of another node, nil: nobody does.
	answered func(Answer)
}

func (c *Conference) newParticipant(s Session, o muc.Occupant) *participant {
	return &participant{
		jid:      s.JID(),
		endpoint: room.EndpointID(o.Nick),
		session:  s,
		pwd:      randomHex(16),
		epoch:    1,
		focus: focus.NewParticipant(focus.Config{
			Room:     c.jid,
			JID:      s.JID(),
			Endpoint: room.EndpointID(o.Nick),
			Roster:   c,
			Codecs:   c.rooms.cfg.Codecs,
			Caps:     &c.rooms.caps,
		}),
	}
}

// paced returns when p may be invited once more, the zero time when that is now: then it counts.
func (p *participant) paced(now time.Time) time.Time {
	if at := p.pace.Add(-(invitesAtOnce - 1) * inviteEvery); now.Before(at) {
		return at
	}
	if p.pace.Before(now) {
		p.pace = now
	}
	p.pace = p.pace.Add(inviteEvery)
	return time.Time{}
}

// gone returns when p will have had neither socket nor media for too long, the zero time while it has one of them. A leg
// in use closes when it was silent for as long; one that waits for the client is no media.
func (p *participant) gone() time.Time {
	if p.suspendedAt.IsZero() || p.leg != nil && p.focus.Active() {
		return time.Time{}
	}
	return p.suspendedAt.Add(silence)
}

// Standing says whether there is an occupant of that nick, and whether it is a moderator. The focus asks.
func (c *Conference) Standing(nick string) (present, moderator bool) {
	o, ok := c.muc.Occupant(nick)
	return ok, o.Moderator()
}
