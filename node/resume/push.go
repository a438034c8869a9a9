package resume

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/standby"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

// push is the record of a session of this node, as its standby has it.
type push struct {
	token string
	at    identity.Name // the standby, "": nobody
	sum   uint64
	when  time.Time
	look  int
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

// push gives a participant to its standby when it has changed.
func (s *Service) push(now time.Time, value *session.Participant, open []identity.Name) {
	t, ok := session.ParseToken(value.Stream.ResumeToken)
	if !ok {
		return
	}
	var to identity.Name
	if likely := standby.Choose(t.Address, open, []identity.Name{s.cfg.Self}); len(likely) > 0 {
		to = likely[0]
	}
	b := session.Encode(value)
	defer clear(b)
	sum := maphash.Bytes(s.hash, b)
	s.mu.Lock()
	p := s.pushed[value.Stream.JID]
	if p == nil {
		p = &push{token: value.Stream.ResumeToken}
		s.pushed[value.Stream.JID] = p
	}
	p.look = s.look
	before := p.at
	same := before == to && p.sum == sum && now.Sub(p.when) < standby.Repeat
	s.mu.Unlock()
	if before != "" && before != to {
		s.cfg.Mesh.Tell(before, wire.Wipe{Token: value.Stream.ResumeToken})
	}
	linked := to != "" && s.cfg.Mesh.Want(to)
	if same && linked {
		return
	}
	kept := linked && s.send(to, value.Stream.ResumeToken, b)
	s.mu.Lock()
	if p.at, p.sum, p.when = to, sum, now; !kept {
		p.at = ""
	}
	gone := s.pushed[value.Stream.JID] != p
	s.mu.Unlock()
	sess := s.cfg.Streams.Session(value.Stream.JID)
	switch {
	case kept && (gone || sess == nil): // it ended meanwhile
		s.cfg.Mesh.Tell(to, wire.Wipe{Token: value.Stream.ResumeToken})
	case sess == nil:
	case kept:
		sess.Guard(value.Stream.Received)
	default:
		sess.Unguard()
	}
}

func (s *Service) send(to identity.Name, token string, value []byte) bool {
	if len(value) > wire.MaxPiece*wire.MaxPieces {
		return false
	}
	parts := slices.Collect(slices.Chunk(value, wire.MaxPiece))
	for i, part := range parts {
		if !s.cfg.Mesh.Tell(to, wire.Keep{Token: token, Part: uint16(i), Parts: uint16(len(parts)), Value: part}) {
			return false
		}
	}
	return true
}

// Ended has the record wiped of a session that is over or elsewhere.
func (s *Service) Ended(jid string) {
	s.mu.Lock()
	p := s.pushed[jid]
	delete(s.pushed, jid)
	s.mu.Unlock()
	if p != nil && p.at != "" {
		s.cfg.Mesh.Tell(p.at, wire.Wipe{Token: p.token})
	}
}
