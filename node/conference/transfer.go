package conference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/signaling/focus"
	"github.com/atoll-mesh/atoll/signaling/muc"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Released is a participant that left a conference without anybody noticing: everything that another node needs to go on
// with it, and the frozen leg, whose path holds what the client sends meanwhile. Without media there is no leg.
type Released struct {
	Participant *session.Participant
	Leg         Leg // nil: it had none
	// Pulls are the sources of the participant that this node goes on to need, of one that goes to a node that is known. The
	// other node is to be asked for them with the participant.
	Pulls []wire.Pull
}

// release is a request of [Rooms.Release] under way.
type release struct {
	endpoints []room.EndpointID
	to        identity.Name // where they go, "": not known
	done      chan<- releaseResult
}

type releaseResult struct {
	released []Released
	err      error
}

func (r *release) wants(e room.EndpointID) bool { return slices.Contains(r.endpoints, e) }

// Release takes participants out of a room, all at one moment: first nothing of theirs is taken in any more, then what
// they are sent ends, then their state is read. Nobody is told. A media session that is not connected yet ends: it begins anew where
// the participant goes on.
func (r *Rooms) Release(ctx context.Context, jid string, endpoints []room.EndpointID) ([]Released, error) {
	return r.release(ctx, jid, endpoints, "")
}

// Hand takes a participant out of a room as Release does, also one without media, for a node that is linked with this one:
// for those who stay its sources go on, as sources of that node.
func (r *Rooms) Hand(ctx context.Context, jid string, endpoint room.EndpointID, to identity.Name) (Released, error) {
	released, err := r.release(ctx, jid, []room.EndpointID{endpoint}, to)
	if len(released) == 0 {
		return Released{}, err
	}
	return released[0], err
}

func (r *Rooms) release(ctx context.Context, jid string, endpoints []room.EndpointID, to identity.Name) ([]Released, error) {
	done := make(chan releaseResult, 1)
	if err := r.post(jid, false, func(c *Conference, now time.Time) { c.release(now, &release{endpoints, to, done}) }); err != nil {
		return nil, fmt.Errorf("release participants: %w", err)
	}
	select {
	case result := <-done:
		return result.released, result.err
	case <-ctx.Done():
	}
	// Whether it has happened is for the loop to say: nobody may be let go whom nobody takes.
	if r.post(jid, false, func(c *Conference, _ time.Time) { c.callOff(done, ctx.Err()) }) != nil {
		return nil, fmt.Errorf("release participants: %w", ctx.Err())
	}
	result := <-done
	return result.released, result.err
}

// callOff ends a request that was not carried out yet.
func (c *Conference) callOff(done chan<- releaseResult, why error) {
	c.releases = slices.DeleteFunc(c.releases, func(r *release) bool {
		if r.done != done {
			return false
		}
		r.done <- releaseResult{err: fmt.Errorf("release participants: %w", why)}
		return true
	})
}

// exit is the way out of a participant whose leg is being opened: nothing leaves before there is one.
type exit struct{ leg atomic.Pointer[Leg] }

var errNoLeg = errors.New("the leg is being opened")

func (e *exit) Buffer() []byte {
	if leg := e.leg.Load(); leg != nil {
		return (*leg).Buffer()
	}
	return make([]byte, 0, 2048)
}

func (e *exit) SendRTP(packets ...[]byte) error {
	if leg := e.leg.Load(); leg != nil {
		return (*leg).SendRTP(packets...)
	}
	return errNoLeg
}

func (e *exit) Warm() {
	if leg := e.leg.Load(); leg != nil {
		(*leg).Warm()
	}
}

func (e *exit) SendRTCP(compound []byte) error {
	if leg := e.leg.Load(); leg != nil {
		return (*leg).SendRTCP(compound)
	}
	return errNoLeg
}

func (c *Conference) release(now time.Time, r *release) {
	for _, e := range r.endpoints {
		p := c.byEndpoint[e]
		if p == nil {
			r.done <- releaseResult{err: fmt.Errorf("release %s: no such participant", e)}
			return
		}
		if p.leg != nil && !p.focus.Active() {
			c.closeMedia(now, p)
		}
		if p.suspendedAt.IsZero() {
			p.session.Suspend()
		}
	}
	c.releases = append(c.releases, r)
	c.tryRelease(now)
}

// tryRelease carries out the requests whose streams are all suspended: then every stanza that was counted is applied.
func (c *Conference) tryRelease(now time.Time) {
	c.releases = slices.DeleteFunc(c.releases, func(r *release) bool {
		var going []*participant
		for _, e := range r.endpoints {
			p := c.byEndpoint[e]
			if p == nil {
				r.done <- releaseResult{err: fmt.Errorf("release %s: it left meanwhile", e)}
				return true
			}
			if p.suspendedAt.IsZero() {
				return false
			}
			going = append(going, p)
		}
		released, err := c.export(now, going, r.to)
		r.done <- releaseResult{released, err}
		return true
	})
}

func (c *Conference) export(now time.Time, going []*participant, to identity.Name) ([]Released, error) {
	for _, p := range going {
		if p.leg != nil {
			p.leg.Hold()
		}
	}
	var out []Released
	for _, p := range going {
		value := &session.Participant{Room: c.jid, Endpoint: p.endpoint, Epoch: p.epoch + 1, Jingle: p.focus.Export()}
		value.Occupancy, _ = c.occupancy(p)
		if p.leg != nil {
			value.Forwarding = p.media.Export()
			var err error
			if value.Media, err = p.leg.Export(); err != nil { // the handshake was under way
				c.log.Info("release without media", "participant", p.endpoint, "error", err)
				p.leg.Close()
				p.leg = nil
			}
		} else {
			value.Forwarding.Constraints = p.wants.constraints().Raw
		}
		value.Stream = p.session.Export()
		out = append(out, Released{Participant: value, Leg: p.leg})
	}
	for i, p := range going {
		c.doors.close(p.endpoint)
		if p.channel != nil {
			p.channel.Close(bridge.StatusNormal, "the session moves")
		}
		p.leg = nil
		if to != "" {
			c.depart(now, p, to, &out[i])
			continue
		}
		if p.media != nil {
			p.media = nil
			c.applySFU(now, c.sfu.Leave(now, p.endpoint))
		}
		c.applyMUC(now, c.muc.Remove(now, p.jid, muc.Moved))
		c.forget(p)
	}
	return out, nil
}

// Arrival is a participant that another node released, with what serves it here.
type Arrival struct {
	Participant *session.Participant
	Session     Session
	From        identity.Name // where it comes from, "": not known
	Pulls       []wire.Pull   // what that node wants of its sources
	// Open returns the leg that goes on with the participant's media. Nil: it has none, and is invited when its socket is there.
	Open func(LegReceiver) (Leg, error)
}

// Adopt takes participants into a room as if they had always been here. Nobody is told. When it has returned their legs
// may be given what the clients send.
func (r *Rooms) Adopt(ctx context.Context, jid string, arrivals []Arrival) error {
	done := make(chan error, 1)
	var arrive letter
	arrive = func(c *Conference, now time.Time) {
		if !c.hold(arrive) {
			done <- c.adopt(now, arrivals)
		}
	}
	if err := r.post(jid, true, arrive); err != nil {
		return fmt.Errorf("adopt participants: %w", err)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("adopt participants: %w", ctx.Err())
	}
}

func (c *Conference) adopt(now time.Time, arrivals []Arrival) error {
	var problems []error
	for _, a := range arrivals {
		c.outside[a.Session.JID()] = a.Session
		if err := c.adoptOne(now, a); err != nil {
			problems = append(problems, fmt.Errorf("adopt %s: %w", a.Participant.Endpoint, err))
		}
		delete(c.outside, a.Session.JID())
	}
	// Sources come when everybody is there: then each goes on in the slot that it had.
	for _, a := range arrivals {
		p := c.byEndpoint[a.Participant.Endpoint]
		if p == nil {
			continue
		}
		if p.leg != nil {
			c.applySFU(now, c.sfu.SetSources(now, p.endpoint, a.Participant.Jingle.Sources))
			p.sources = a.Participant.Jingle.Sources
		}
		c.publish(now, p)
	}
	c.register()
	for _, a := range arrivals {
		if p := c.byEndpoint[a.Participant.Endpoint]; p != nil && p.leg != nil {
			c.applySFU(now, c.sfu.SetConstraints(now, p.endpoint, p.wants.constraints()))
		}
	}
	for _, a := range arrivals {
		c.settled(now, a)
		c.catchUp(now, a)
	}
	c.headcount(now)
	return errors.Join(problems...)
}

func (c *Conference) adoptOne(now time.Time, a Arrival) error {
	v := a.Participant
	if r := c.remotes[v.Endpoint]; r != nil && a.From != "" && (r.node != a.From || v.Epoch != r.occupant.Epoch+1) {
		return fmt.Errorf("%s gives away epoch %d, but %s serves it in epoch %d", a.From, v.Epoch, r.node, r.occupant.Epoch)
	}
	var presence *stanza.Element
	for _, e := range c.muc.Admit(now, a.Session.JID(), v.Occupancy) {
		switch e := e.(type) {
		case muc.Write:
			c.applyMUC(now, []muc.Effect{e})
		case muc.Joined:
			presence = e.Presence
		case muc.Updated:
			presence = e.Presence
		}
	}
	o, ok := c.muc.Occupant(v.Occupancy.Nick)
	if !ok || !o.Local {
		return errors.New("the room does not take the occupancy")
	}
	if r := c.remotes[v.Endpoint]; r != nil { // it comes from there
		delete(c.remotes, v.Endpoint)
		c.doors.lead(v.Endpoint, "")
		c.linger(now, r)
	}
	p := c.newParticipant(a.Session, o)
	p.focus.Import(v.Jingle)
	p.epoch, p.ready, p.suspendedAt = v.Epoch, len(v.Jingle.Features) > 0, now
	if m, err := bridge.Decode(v.Forwarding.Constraints); err == nil {
		if wanted, ok := m.(bridge.ReceiverVideoConstraints); ok {
			p.wants.merge(wanted)
		}
	}
	if a.Open == nil {
		c.applySFU(now, c.sfu.Leave(now, p.endpoint)) // of who was a Remote
		c.settleIn(p)
		if presence != nil && !p.ready {
			c.applyFocus(now, p, p.focus.Joined(now, focus.ParseCaps(presence)))
		}
		return nil
	}
	p.pwd = v.Jingle.BridgePwd
	// The leg is alive from its first moment on: what it delivers meanwhile has somewhere to go.
	var way exit
	r := &receiver{c: c, p: p, Participant: c.sfu.Import(now, p.endpoint, &way, !p.focus.Rewriting(), &v.Forwarding)}
	leg, err := a.Open(r)
	if err != nil {
		c.applySFU(now, c.sfu.Leave(now, p.endpoint))
		c.applyMUC(now, c.muc.Remove(now, p.jid, muc.Moved))
		if m, ok := c.replica.Occupant(p.endpoint); ok && m.Node != c.self {
			c.appeared(now, m)
		}
		return err
	}
	way.leg.Store(&leg)
	p.leg, p.media = leg, r
	if len(v.Media.LocalKey) > 0 {
		r.Participant.Connected(now)
		// Chromium sends over the path that it heard last: from now on over this one.
		_, ssrc := r.ReportSSRCs()
		if err := leg.SendRTCP(packet.AppendRR(nil, ssrc, nil)); err != nil {
			c.log.Warn("first report of an arrival", "participant", p.endpoint, "error", err)
		}
	}
	c.settleIn(p)
	c.doors.open(p.endpoint, p.pwd)
	return nil
}

// settleIn makes p one of this room.
func (c *Conference) settleIn(p *participant) {
	c.empty = false
	c.byJID[p.jid], c.byEndpoint[p.endpoint] = p, p
	c.rooms.enter(p.jid, c)
}
