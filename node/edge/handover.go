package edge

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/atoll-mesh/atoll/node/edge/counter"
	"github.com/atoll-mesh/atoll/node/edge/path"
	"github.com/atoll-mesh/atoll/node/session"
)

// Hold leaves what the client sends from now on with the leg's path, at most 128 packets, for whoever goes on with the leg:
// nothing is delivered to the receiver any more, while the leg still sends. Export and [Path.Redirect] follow. Not from
// within a Receiver.
func (l *Leg) Hold() {
	if p := l.path.Load(); p != nil {
		p.Redirect(nil)
	}
}

// Export freezes a connected leg and returns its state: it seals, opens and says nothing from then on, and its receiver
// hears nothing more. Its path stays and keeps what the client sends until it is redirected; it belongs to the caller,
// who closes it. Not from within a Receiver.
func (l *Leg) Export() (session.Media, error) {
	l.mu.Lock()
	if l.phase != connected {
		defer l.mu.Unlock()
		if l.phase == waiting {
			return session.Media{}, fmt.Errorf("export leg: %w", ErrNotConnected)
		}
		return session.Media{}, fmt.Errorf("export leg: %w", ErrClosed)
	}
	l.phase = frozen
	m := l.media()
	l.mu.Unlock()

	if p := l.path.Load(); p != nil {
		p.owner.Store(nil)
		p.deliverTo(nil)
	}
	state, err := l.dtls.freeze()
	if err != nil {
		// Media goes on without it; only a farewell is not possible.
		l.edge.log.Warn("hand-over without DTLS", "err", err)
	}
	m.DTLS = state
	l.open.Store(false)
	seal, open := l.disarm(ErrFrozen)
	l.edge.forget(l)
	l.wipe()

	m.Sent, m.SentRTCP = sent(seal)
	m.Received, m.ReceivedRTCP = received(open)
	return m, nil
}

// Import makes a leg that goes on where an exported one stopped. The receiver hears no Connected. When the edge has a path
// with the same credentials that no leg owns, a standby, the leg takes it over: it nominates and sends. What came in waits for [Leg.Resume]. Otherwise the
// leg has no way to the client until [Leg.Attach]. Without a usable DTLS state the leg has no farewell. The leg copies what it needs of m.
func (e *Edge) Import(m session.Media, r Receiver) (*Leg, error) {
	l, err := e.restore(m, r)
	if err != nil {
		return nil, fmt.Errorf("import leg: %w", err)
	}
	e.mu.RLock()
	p := e.paths[m.LocalUfrag]
	e.mu.RUnlock()
	if p != nil && p.engine.Local() == l.local && p.owner.CompareAndSwap(nil, l) {
		l.path.Store(p)
	} else {
		p = nil
	}
	l.phase = connected
	l.out.err = nil
	l.open.Store(true)
	if err := e.register(l); err != nil {
		if p != nil {
			p.owner.Store(nil)
		}
		l.disarm(ErrClosed)
		l.wipe()
		return nil, fmt.Errorf("import leg: %w", err)
	}
	l.dtls.resume(slices.Clone(m.DTLS))
	if p != nil {
		p.deliverTo(nil)
		p.SetRemote(l.remote)
		p.Switch(path.Switches{Answer: true, Check: true, Nominate: true, Send: true})
	}
	return l, nil
}

// Resume has the leg take what the client sends over its own path: first what was kept since Import or [Leg.Hold].
func (l *Leg) Resume() {
	if p := l.path.Load(); p != nil {
		p.deliverTo(l.deliver)
	}
}

// Take gives a leg whose path is elsewhere, or gone, a path of its own, over which the client has answered with the credentials: from now on
// the leg sends over it and nowhere else, and takes what comes by it.
func (l *Leg) Take(p *Path, remote Credentials) error {
	p.in.Lock() // a packet of the path may be on its way to Deliver, which must not find that it is the leg's
	defer p.in.Unlock()
	if err := l.adopt(p, remote); err != nil {
		return fmt.Errorf("take a path: %w", err)
	}
	l.Attach(nil)
	p.sink = l.deliver
	p.release()
	return nil
}

func (l *Leg) adopt(p *Path, remote Credentials) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase != connected || l.path.Load() != nil {
		return ErrClosed
	}
	if !p.owner.CompareAndSwap(nil, l) {
		return errors.New("it has an owner")
	}
	l.local, l.remote = p.engine.Local(), path.Credentials(remote)
	l.path.Store(p)
	return nil
}

// Begin makes a leg for a client that begins anew on a path that was prepared for it: a handshake, and keys of its own. The client is
// told as in [Leg.SetRemote]. The path must have no owner, and is closed when the client is refused. Resume follows.
func (e *Edge) Begin(p *Path, remote Credentials, fingerprint string, r Receiver) (*Leg, error) {
	l := e.newLeg(r)
	l.local = p.engine.Local()
	if !p.owner.CompareAndSwap(nil, l) {
		return nil, errors.New("begin leg: the path has an owner")
	}
	l.path.Store(p)
	p.deliverTo(nil)
	if err := e.register(l); err != nil {
		p.owner.Store(nil)
		return nil, fmt.Errorf("begin leg: %w", err)
	}
	if err := l.SetRemote(remote.Ufrag, remote.Pwd, fingerprint); err != nil {
		l.Close()
		return nil, fmt.Errorf("begin leg: %w", err)
	}
	p.Switch(path.Switches{Answer: true, Check: true, Nominate: true, Send: true})
	return l, nil
}

// restore makes a leg of its state.
func (e *Edge) restore(m session.Media, r Receiver) (*Leg, error) {
	l := e.newLeg(r)
	l.heard.Store(e.instant(time.Now()))
	l.local = path.Credentials{Ufrag: m.LocalUfrag, Pwd: m.LocalPwd}
	l.remote = path.Credentials{Ufrag: m.RemoteUfrag, Pwd: m.RemotePwd}
	var err error
	if l.want, err = parseFingerprint(m.RemoteFingerprint); err != nil {
		return nil, err
	}
	l.config = srtp.Config{Profile: srtp.ProtectionProfile(m.Profile), Keys: srtp.SessionKeys{
		LocalMasterKey: slices.Clone(m.LocalKey), LocalMasterSalt: slices.Clone(m.LocalSalt),
		RemoteMasterKey: slices.Clone(m.RemoteKey), RemoteMasterSalt: slices.Clone(m.RemoteSalt),
	}}
	seal, err := newSealer(m.LocalKey, m.LocalSalt, l.config.Profile)
	if err != nil {
		return nil, err
	}
	open, err := newOpener(m.RemoteKey, m.RemoteSalt, l.config.Profile)
	if err != nil {
		return nil, err
	}
	for _, c := range m.Sent {
		err = errors.Join(err, seal.rtp.Restore(c.SSRC, counter.Resume(c.Index, c.Window)))
	}
	for _, c := range m.Received {
		err = errors.Join(err, open.rtp.Restore(c.SSRC, counter.Resume(c.Index, c.Window)))
	}
	for _, c := range m.SentRTCP {
		err = errors.Join(err, seal.rtcp.Restore(c.SSRC, c.Next))
	}
	for _, c := range m.ReceivedRTCP {
		err = errors.Join(err, open.rtcp.Restore(c.SSRC, counter.RTCPWindow{Highest: c.Index, Seen: c.Window}))
	}
	if err != nil {
		return nil, err
	}
	l.out.seal, l.in.open = seal, open
	l.warm.Store(seal)
	return l, nil
}
