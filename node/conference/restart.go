package conference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/focus"
)

// Answer is a client's side of a transport that another node has for it. Fingerprint is empty when the DTLS association goes
// on.
type Answer struct{ Ufrag, Pwd, Fingerprint string }

// answer passes the client's answer on to who waits for it.
func (p *participant) answer(a Answer) {
	if f := p.answered; f != nil {
		p.answered = nil
		f(a)
	}
}

var errNoMedia = errors.New("no such participant, or none with media")

// Restart tells a participant of a transport at another node, under the session that it has. Its media goes on here. Answered
// is called from the room's loop, once or never. The error says that it was not told.
func (r *Rooms) Restart(ctx context.Context, jid string, endpoint room.EndpointID, at identity.Name, t focus.Transport, answered func(Answer)) error {
	return r.ask(ctx, jid, func(c *Conference, now time.Time) error {
		p := c.byEndpoint[endpoint]
		if p == nil || p.leg == nil || !p.focus.Active() || !p.suspendedAt.IsZero() {
			return errNoMedia
		}
		p.answered = answered
		t.WebSocket = c.channelURL(p, cmp.Or(t.Socket, p.session.SocketURL()), string(at))
		t.Fingerprint = "" // the association goes on, with the certificate that it began with
		c.applyFocus(now, p, p.focus.RestartICE(now, t))
		return nil
	})
}

// Reinvite ends a participant's media here and invites it to a new session at another node. It stays in the room. Answered is
// called when it has accepted.
func (r *Rooms) Reinvite(ctx context.Context, jid string, endpoint room.EndpointID, at identity.Name, t focus.Transport, answered func(Answer)) error {
	return r.ask(ctx, jid, func(c *Conference, now time.Time) error {
		p := c.byEndpoint[endpoint]
		if p == nil || p.leg == nil || !p.suspendedAt.IsZero() {
			return errNoMedia
		}
		t.AudioSSRC, t.VideoSSRC = p.media.ReportSSRCs()
		t.WebSocket, t.BridgePwd = c.channelURL(p, cmp.Or(t.Socket, p.session.SocketURL()), string(at)), p.pwd
		t.BridgeSession, t.Region = randomHex(8), c.rooms.cfg.Region
		c.endMedia(now, p, "success")
		c.doors.open(p.endpoint, p.pwd) // the other node asks here until the participant is there
		p.answered = answered
		c.applyFocus(now, p, p.focus.Invite(now, t))
		return nil
	})
}

// ask runs f on the loop of a room that is there.
func (r *Rooms) ask(ctx context.Context, jid string, f func(*Conference, time.Time) error) error {
	done := make(chan error, 1)
	if err := r.post(jid, false, func(c *Conference, now time.Time) { done <- f(c, now) }); err != nil {
		return fmt.Errorf("ask %s: %w", jid, err)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("ask the room: %w", ctx.Err())
	}
}

// Who is a participant that this node serves.
type Who struct {
	Room     string
	Endpoint room.EndpointID
	Media    bool // it has a media session
	Lost     bool // its socket is lost
}

// Everybody returns whom this node serves, of the rooms that answer before ctx ends.
func (r *Rooms) Everybody(ctx context.Context) []Who {
	r.mu.Lock()
	var jids []string
	for jid := range r.rooms {
		jids = append(jids, jid)
	}
	r.mu.Unlock()
	var all []Who
	for _, jid := range jids {
		found := make(chan []Who, 1)
		err := r.ask(ctx, jid, func(c *Conference, _ time.Time) error {
			var here []Who
			for _, p := range c.byEndpoint {
				here = append(here, Who{Room: jid, Endpoint: p.endpoint, Media: p.leg != nil && p.focus.Active() && p.leg.Connected(), Lost: !p.suspendedAt.IsZero()})
			}
			found <- here
			return nil
		})
		if err == nil { // a room that ended meanwhile has nobody
			all = append(all, <-found...)
		}
	}
	return all
}
