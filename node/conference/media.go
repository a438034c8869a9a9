package conference

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/node/sfu"
	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/signaling/focus"
)

// Leg is the media transport of one participant.
type Leg interface {
	sfu.Egress
	SetRemote(ufrag, pwd, fingerprint string) error
	// Hold keeps what the client sends from now on for whoever goes on with the leg.
	Hold()
	Export() (session.Media, error)
	// Snapshot is Export while the leg goes on.
	Snapshot() (session.Media, error)
	// Connected reports whether media flows: only then is there anything to export.
	Connected() bool
	Close()
}

// LegReceiver is who a leg delivers to. Its calls come from the edge's goroutines.
type LegReceiver interface {
	Connected()
	RTP(packet []byte, arrived time.Time) (more bool)
	Flush()
	RTCP(compound []byte, arrived time.Time)
	Tick(now time.Time)
	Closed(reason error)
}

// receiver stands between a leg and the sfu: packets go straight through, events become letters.
type receiver struct {
	*sfu.Participant
	c *Conference
	p *participant
}

func (r *receiver) Connected() { r.Participant.Connected(time.Now()) }

func (r *receiver) Closed(reason error) {
	r.c.mail.add(func(c *Conference, now time.Time) { c.legClosed(now, r, reason) })
}

// invite offers p a media session when it is ready for one and has none.
func (c *Conference) invite(now time.Time, p *participant) {
	p.inviteAt = time.Time{}
	if !p.ready || p.ended || p.leg != nil || p.answered != nil || !p.suspendedAt.IsZero() {
		return
	}
	if p.inviteAt = p.paced(now); !p.inviteAt.IsZero() {
		return
	}
	r := &receiver{c: c, p: p}
	leg, transport, err := c.rooms.cfg.Media.Open(r)
	if err != nil {
		c.log.Error("open leg", "participant", p.endpoint, "error", err)
		return
	}
	p.leg, p.media = leg, r
	if p.focus.Rewriting() {
		r.Participant = c.sfu.Join(now, p.endpoint, leg)
	} else {
		r.Participant = c.sfu.JoinPlain(now, p.endpoint, leg)
		// It has no say before its bridge channel opens, which is when it says what it wants.
	}
	transport.AudioSSRC, transport.VideoSSRC = r.ReportSSRCs()
	transport.WebSocket, transport.BridgePwd = c.channelURL(p, p.session.SocketURL(), c.rooms.cfg.Node), p.pwd
	transport.BridgeSession = randomHex(8)
	transport.Region = c.rooms.cfg.Region
	c.doors.open(p.endpoint, p.pwd)
	c.applyFocus(now, p, p.focus.Invite(now, transport))
}

// channelURL returns where p opens its bridge channel with a node.
func (c *Conference) channelURL(p *participant, base, node string) string {
	return base + bridge.Prefix + node + "/" + c.id + "/" + string(p.endpoint) + "?pwd=" + p.pwd
}

// endMedia terminates p's Jingle session, if there is one, and closes what belonged to it.
func (c *Conference) endMedia(now time.Time, p *participant, reason string) {
	if p.leg == nil {
		return
	}
	c.applyFocus(now, p, p.focus.Terminate(now, reason))
	c.closeMedia(now, p)
}

func (c *Conference) closeMedia(now time.Time, p *participant) {
	if p.leg == nil {
		return
	}
	c.doors.close(p.endpoint)
	if p.channel != nil {
		p.channel.Close(bridge.StatusGoingAway, "the session ended")
		p.channel = nil
	}
	leg := p.leg
	p.leg, p.media = nil, nil
	c.applySFU(now, c.sfu.Leave(now, p.endpoint))
	if len(p.sources) > 0 {
		p.sources = nil
		c.publish(now, p)
	}
	leg.Close()
}

// afterLeg is how long a new session waits when a leg has closed: a client that leaves may close its media first.
const afterLeg = 2 * time.Second

// legClosed replaces a leg that died under a participant who is still there.
func (c *Conference) legClosed(now time.Time, r *receiver, reason error) {
	p := r.p
	if p.media != r {
		return
	}
	c.log.Info("leg closed", "participant", p.endpoint, "reason", reason)
	c.endMedia(now, p, "connectivity-error")
	p.inviteAt = now.Add(afterLeg)
}

func (c *Conference) applyFocus(now time.Time, p *participant, effects []focus.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case focus.Send:
			p.session.Send(e.Stanza)
		case focus.Features:
			p.ready = true
			c.headcount(now)
		case focus.Accepted:
			c.accepted(now, p, e)
		case focus.SourcesAdded:
			c.setSourcesOf(now, p, e.All)
		case focus.SourcesRemoved:
			c.setSourcesOf(now, p, e.All)
		case focus.Terminated:
			c.log.Info("session terminated", "participant", p.endpoint, "restart", e.Restart, "reason", e.Reason)
			c.closeMedia(now, p)
			p.ended = !e.Restart
			c.headcount(now)
		case focus.MuteRequest:
			if target := c.byEndpoint[room.EndpointID(e.Target)]; target != nil {
				c.applyFocus(now, target, target.focus.Mute(e.Kind, e.Desktop, e.Actor))
			} else if r := c.remotes[room.EndpointID(e.Target)]; r != nil {
				c.mesh.Send(r.node, wire.Order{
					Room: c.jid, Actor: p.endpoint, Target: r.occupant.Endpoint, Kind: e.Kind, Desktop: e.Desktop,
				})
			}
		case focus.Rejected:
			c.log.Warn("request rejected", "participant", p.endpoint, "request", e.Request, "condition", e.Condition)
			if e.Request == "session-initiate" {
				c.closeMedia(now, p)
				p.ended = true
			}
		case focus.Timeout:
			c.log.Warn("request not answered", "participant", p.endpoint, "request", e.Request)
		case focus.ICERestarted:
			p.answer(Answer{Ufrag: e.Ufrag, Pwd: e.Pwd})
		case focus.ICEFailed:
			c.log.Info("client says that ice failed", "participant", p.endpoint)
		}
	}
}

func (c *Conference) accepted(now time.Time, p *participant, e focus.Accepted) {
	if p.leg == nil {
		p.sources = slices.Clone(e.Sources)
		p.answer(Answer{Ufrag: e.Ufrag, Pwd: e.Pwd, Fingerprint: e.Fingerprint})
		return
	}
	if err := p.leg.SetRemote(e.Ufrag, e.Pwd, e.Fingerprint); err != nil {
		c.log.Warn("session-accept refused", "participant", p.endpoint, "error", err)
		c.endMedia(now, p, "failed-transport")
		p.ended = true
		return
	}
	c.setSourcesOf(now, p, e.Sources)
}

// setSourcesOf tells the sfu and the other nodes what p sends.
func (c *Conference) setSourcesOf(now time.Time, p *participant, all []room.Source) {
	all = slices.Clone(all)
	for i := range all {
		for _, before := range p.sources { // what it shows was said on its bridge channel
			if before.Name == all[i].Name && before.Name.Kind() == room.Video {
				all[i].Muted = before.Muted
			}
		}
	}
	p.sources = all
	c.applySFU(now, c.sfu.SetSources(now, p.endpoint, all))
	c.publish(now, p)
}
