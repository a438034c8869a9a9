package resume

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/standby"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

// push is the record of a session of this node, as its standby has it.
type push struct {
	jid, token string
	at         identity.Name // the standby, "": nobody
	copy       *standby.Copy
	received   uint32 // as the copy says
	look       int
}

// pushAll looks at every participant.
func (s *Service) pushAll() {
	s.mu.Lock()
	s.look++
	var over []string
	for jid, p := range s.pushed {
		if s.look-p.look > forgetful {
			over = append(over, jid)
		}
	}
	s.mu.Unlock()
	for _, jid := range over {
		s.Ended(jid)
	}
	_, open := s.cfg.Mesh.Alive()
	s.cfg.Rooms.Snapshot(func(p *session.Participant) {
		defer p.Wipe()
		s.push(time.Now(), p, open)
	})
}

// push tells a participant's standby what has changed.
func (s *Service) push(now time.Time, value *session.Participant, open []identity.Name) {
	token := value.Stream.ResumeToken
	t, ok := session.ParseToken(token)
	if !ok {
		return
	}
	var to identity.Name
	if likely := standby.Choose(t.Address, open, []identity.Name{s.cfg.Self}); len(likely) > 0 {
		to = likely[0]
	}
	linked := to != "" && s.cfg.Mesh.Want(to)
	value.Thin()
	s.mu.Lock()
	p := s.pushed[value.Stream.JID]
	if p != nil && p.token != token {
		p.copy.Wipe()
		delete(s.awaited, p.token)
		p = nil
	}
	if p == nil {
		p = &push{jid: value.Stream.JID, token: token, copy: standby.NewCopy(token)}
		s.pushed[p.jid], s.awaited[token] = p, p
	}
	p.look = s.look
	before := p.at
	if before != to || !linked {
		p.copy.Wipe()
	}
	p.at = ""
	var frames []wire.Frame
	if linked {
		p.at = to
		if frames = p.copy.Push(now, session.Encode(value)); len(frames) > 0 {
			p.received = value.Stream.Received
		}
	}
	overdue := p.copy.Overdue(now)
	s.mu.Unlock()
	if before != "" && before != to {
		s.cfg.Mesh.Tell(before, wire.Wipe{Token: token})
	}
	sent := linked
	for _, f := range frames {
		sent = sent && s.cfg.Mesh.Tell(to, f)
		switch f := f.(type) {
		case wire.Keep:
			clear(f.Value)
		case wire.Amend:
			clear(f.Delta)
		}
	}
	s.mu.Lock()
	if !sent {
		p.copy.Wipe()
	}
	gone := s.pushed[p.jid] != p
	s.mu.Unlock()
	switch sess := s.cfg.Streams.Session(p.jid); {
	case sent && (gone || sess == nil): // it ended meanwhile
		s.cfg.Mesh.Tell(to, wire.Wipe{Token: token})
	case sess != nil && (!sent || overdue):
		sess.Unguard()
	}
}

// kept takes a standby's answer.
func (s *Service) kept(from identity.Name, f wire.Kept) {
	s.mu.Lock()
	p := s.awaited[f.Token]
	if p == nil || p.at != from || !p.copy.Kept(f.Sum) {
		s.mu.Unlock()
		return
	}
	jid, received := p.jid, p.received
	s.mu.Unlock()
	if sess := s.cfg.Streams.Session(jid); sess != nil {
		sess.Guard(received)
	}
}

// Ended has the record wiped of a session that is over or elsewhere.
func (s *Service) Ended(jid string) {
	s.mu.Lock()
	p := s.pushed[jid]
	var at identity.Name
	if p != nil {
		at = p.at
		p.copy.Wipe()
		delete(s.pushed, jid)
		delete(s.awaited, p.token)
	}
	s.mu.Unlock()
	if at != "" {
		s.cfg.Mesh.Tell(at, wire.Wipe{Token: p.token})
	}
}
