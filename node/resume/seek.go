package resume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/standby"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/stream"
)

// flight is one search under way, for all sockets that came with its token.
type flight struct {
	token  session.Token
	search *standby.Search
	answer chan struct{} // has an element when something came
	done   chan struct{} // closed at the end
	err    error

	// Guarded by the service's lock, as the search is.
	parts map[uint64][][]byte // of answers that come in parts, by id
	value [][]byte            // of the one that ended the search
	code  wire.SoughtCode
}

var (
	// ErrUnknown says that no node has the session.
	ErrUnknown = errors.New("find session: nobody has it")
	errForged  = errors.New("find session: the token is not its own")
	errClosed  = errors.New("find session: the node stops")
)

// patience is how long a session is looked for: two nodes may have to be asked after it was seen that its holder is dead.
const patience = 4 * time.Second

// hesitation is how long it is waited for a session that could not be given to be gone.
const hesitation = 300 * time.Millisecond

// again is how often a question is sent again that found no link, and a session is looked for that is on its way.
const again = 50 * time.Millisecond

// Fetch implements stream.Elsewhere.
func (s *Service) Fetch(ctx context.Context, token string) error {
	t, ok := session.ParseToken(token)
	if !ok {
		return ErrUnknown
	}
	s.mu.Lock()
	f := s.flights[token]
	mine := f == nil
	if mine {
		s.stats.Searches++
		f = &flight{token: t, search: standby.NewSearch(s.cfg.Self, t), answer: make(chan struct{}, 1), done: make(chan struct{}), parts: make(map[uint64][][]byte)}
		s.flights[token] = f
	}
	s.mu.Unlock()
	if mine {
		// It goes on when the socket that it was begun for is lost: the client comes back.
		if !s.spawn(func() { s.fly(token, f) }) {
			return errClosed
		}
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("find session: %w", ctx.Err())
	}
}

func (s *Service) fly(token string, f *flight) {
	ctx, cancel := context.WithTimeout(s.life, patience)
	defer cancel()
	f.err = s.find(ctx, f)
	s.mu.Lock()
	delete(s.flights, token)
	for id, other := range s.asked {
		if other == f {
			delete(s.asked, id)
		}
	}
	if f.err == nil {
		s.stats.Found++
		s.trail.Back(f.token.Address)
	}
	for _, parts := range f.parts {
		for _, part := range parts {
			clear(part)
		}
	}
	s.mu.Unlock()
	close(f.done)
}

// find asks until the session is here.
func (s *Service) find(ctx context.Context, f *flight) error {
	var ask wire.Seek
	var to identity.Name // who was not reached yet
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if s.here(f.token) { // whoever sent it: an answer may be lost
			return nil
		}
		now := time.Now()
		var view standby.View
		view.Alive, view.Standbys = s.cfg.Mesh.Alive()
		s.mu.Lock()
		next, until := f.search.Next(now, view)
		state, without := f.search.State(), f.search.Without()
		if next != "" {
			s.lastID++
			ask, to = wire.Seek{ID: s.lastID, Token: f.token.String(), Without: without}, next
			s.asked[ask.ID] = f
		}
		s.mu.Unlock()
		switch state {
		case standby.Here:
			until = now.Add(again) // it is on its way
		case standby.Found:
			return s.take(ctx, f)
		case standby.Refused:
			return errForged
		case standby.Unknown:
			return ErrUnknown
		case standby.Searching:
		}
		switch {
		case next == s.cfg.Self:
			to = ""
			s.answerSelf(f, ask)
			continue
		case next != "" || to != "":
			if s.cfg.Mesh.Want(to) && s.cfg.Mesh.Tell(to, ask) {
				to = ""
			} else if next == "" || until.After(now.Add(again)) {
				until = now.Add(again)
			}
		}
		timer.Reset(time.Until(until))
		select {
		case <-f.answer:
		case <-timer.C:
		case <-ctx.Done():
			return fmt.Errorf("find session: %w", ctx.Err())
		}
	}
}

func (s *Service) here(t session.Token) bool {
	found, _ := s.cfg.Streams.Prove(t.String())
	return found != nil
}

func (s *Service) answerSelf(f *flight, ask wire.Seek) {
	code, at, value := s.lookup(s.cfg.Self, f.token, ask.Without)
	s.mu.Lock()
	defer s.mu.Unlock()
	if value != nil {
		f.parts[ask.ID] = [][]byte{value}
		f.value, f.code = f.parts[ask.ID], code
	}
	f.search.Answer(s.cfg.Self, code, at)
}

// lookup says what this node knows of a session that is not among its own.
func (s *Service) lookup(asker identity.Name, t session.Token, without []identity.Name) (wire.SoughtCode, identity.Name, []byte) {
	alive, _ := s.cfg.Mesh.Alive()
	s.mu.Lock()
	defer s.mu.Unlock()
	if to := s.trail.Where(t.Address); to != "" && !slices.Contains(without, to) {
		return wire.SoughtAt, to, nil
	}
	holder, known, proven := s.keeper.Find(t)
	switch {
	case !known:
		return wire.SoughtUnknown, "", nil
	case !proven:
		s.stats.Refused++
		return wire.SoughtRefused, "", nil
	case holder != asker && slices.Contains(alive, holder) && !slices.Contains(without, holder):
		return wire.SoughtAt, holder, nil
	}
	value := s.keeper.Take(t)
	if asker != s.cfg.Self {
		s.trail.Left(t.Address, asker)
	}
	return wire.SoughtRecord, "", value
}

// sought takes an answer.
func (s *Service) sought(from identity.Name, f wire.Sought) {
	s.mu.Lock()
	defer s.mu.Unlock()
	flight := s.asked[f.ID]
	if flight == nil {
		clear(f.Value)
		return // too late
	}
	if f.Code == wire.SoughtRecord || f.Code == wire.SoughtWhole {
		if int(f.Part) != len(flight.parts[f.ID]) {
			clear(f.Value)
			return
		}
		if flight.parts[f.ID] = append(flight.parts[f.ID], f.Value); f.Part+1 < f.Parts {
			return
		}
		if flight.value == nil {
			flight.value, flight.code = flight.parts[f.ID], f.Code
		}
	}
	flight.search.Answer(from, f.Code, f.At)
	delete(s.asked, f.ID)
	select {
	case flight.answer <- struct{}{}:
	default:
	}
}

// Expected reports whether a client came here with a token and waits for its session.
func (s *Service) Expected(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flights[token] != nil
}

// take makes a session that came as a value one of this node.
func (s *Service) take(ctx context.Context, f *flight) error {
	s.mu.Lock()
	value := slices.Concat(f.value...)
	code := f.code
	s.mu.Unlock()
	defer clear(value)
	p, err := session.Decode(value)
	if err != nil {
		return fmt.Errorf("take over a session: %w", err)
	}
	defer p.Wipe()
	if t, ok := session.ParseToken(p.Stream.ResumeToken); !ok || !t.Equal(f.token) {
		return errForged
	}
	if p.Room == "" {
		_, err := s.cfg.Streams.Import(p.Stream)
		return err
	}
	dead := code == wire.SoughtRecord
	if dead {
		p.Jump()
		s.mu.Lock()
		s.stats.Revived++
		s.mu.Unlock()
	}
	if err := s.cfg.Mover.Revive(ctx, p, dead); err != nil {
		return fmt.Errorf("take over a session: %w", err)
	}
	return nil
}

// seek answers a node that a client came to.
func (s *Service) seek(from identity.Name, f wire.Seek) {
	proven, known := s.cfg.Streams.Prove(f.Token)
	s.mu.Lock()
	before := s.giving[f.Token] // while it is under way this node has it no more, and knows not yet where it is
	s.mu.Unlock()
	switch {
	case proven != nil && s.cfg.Keeps:
		s.cfg.Mesh.Tell(from, wire.Sought{ID: f.ID, Code: wire.SoughtFailed, Parts: 1})
		return
	case proven != nil || before != nil:
		if !s.queue(from, f, proven) {
			s.cfg.Mesh.Tell(from, wire.Sought{ID: f.ID, Code: wire.SoughtFailed, Parts: 1})
		}
		return
	case known:
		s.mu.Lock()
		s.stats.Refused++
		s.mu.Unlock()
		s.cfg.Mesh.Tell(from, wire.Sought{ID: f.ID, Code: wire.SoughtRefused, Parts: 1})
		return
	}
	t, ok := session.ParseToken(f.Token)
	if !ok {
		s.cfg.Mesh.Tell(from, wire.Sought{ID: f.ID, Code: wire.SoughtUnknown, Parts: 1})
		return
	}
	code, at, value := s.lookup(from, t, f.Without)
	if value == nil {
		s.cfg.Mesh.Tell(from, wire.Sought{ID: f.ID, Code: code, At: at, Parts: 1})
		return
	}
	s.hand(from, f.ID, code, value)
	clear(value)
}

// queue gives a session to a node, or answers the node when it has been given to the one that asked before. It reports whether it will.
func (s *Service) queue(to identity.Name, f wire.Seek, sess *stream.Session) bool {
	s.mu.Lock()
	before, busy := s.giving[f.Token], s.gifts >= gifts
	mine := make(chan struct{})
	if !busy {
		s.gifts++
		if before == nil {
			s.giving[f.Token] = mine
		}
	}
	s.mu.Unlock()
	return !busy && s.spawn(func() {
		defer s.given()
		if before != nil {
			select {
			case <-before:
				s.seek(to, f)
			case <-s.life.Done():
			}
			return
		}
		if sess != nil {
			s.give(to, f, sess)
		}
		s.mu.Lock()
		delete(s.giving, f.Token)
		s.mu.Unlock()
		close(mine)
		if sess == nil { // the gift that it was to wait for has ended
			s.seek(to, f)
		}
	})
}

// hand sends a value in parts.
func (s *Service) hand(to identity.Name, id uint64, code wire.SoughtCode, value []byte) bool {
	parts := slices.Collect(slices.Chunk(value, wire.MaxPiece))
	for i, part := range parts {
		if !s.cfg.Mesh.Tell(to, wire.Sought{ID: id, Code: code, Part: uint16(i), Parts: uint16(len(parts)), Value: part}) {
			return false
		}
	}
	return true
}

func (s *Service) given() {
	s.mu.Lock()
	s.gifts--
	s.mu.Unlock()
}

// give hands a session of this node to the one that its client came to.
func (s *Service) give(to identity.Name, f wire.Seek, sess *stream.Session) {
	ctx, cancel := context.WithTimeout(s.life, giveUp)
	defer cancel()
	t, _ := session.ParseToken(f.Token)
	rooms := s.cfg.Rooms.Where(sess.JID())
	var err error
	switch len(rooms) {
	case 0:
		value := &session.Participant{Endpoint: sess.Endpoint(), Stream: sess.Export()}
		if value.Stream.ResumeToken == "" {
			err = errors.New("it has just ended")
			break
		}
		b := session.Encode(value)
		if !s.hand(to, f.ID, wire.SoughtWhole, b) {
			_, err = s.cfg.Streams.Import(value.Stream)
			s.cfg.Log.Info("a session could not be given", "peer", string(to), "error", err)
			return
		}
		clear(b)
		s.left(t.Address, sess, to)
		return
	case 1:
		err = s.cfg.Mover.Give(ctx, rooms[0], sess.Endpoint(), to)
	default:
		err = errors.New("it is in several rooms")
	}
	if err != nil {
		s.cfg.Log.Info("a session could not be given", "participant", sess.Endpoint(), "peer", string(to), "error", err)
		if s.here(t) { // it may be on its way elsewhere: then it is pointed to
			select {
			case <-time.After(hesitation):
			case <-s.life.Done():
			}
		}
		if at := s.pointed(t); at != "" {
			s.cfg.Mesh.Tell(to, wire.Sought{ID: f.ID, Code: wire.SoughtAt, At: at, Parts: 1})
			return
		}
		s.cfg.Mesh.Tell(to, wire.Sought{ID: f.ID, Code: wire.SoughtFailed, Parts: 1})
		return
	}
	s.left(t.Address, sess, to)
	s.cfg.Mesh.Tell(to, wire.Sought{ID: f.ID, Code: wire.SoughtSent, Parts: 1})
}

// pointed says where a session has gone that was here.
func (s *Service) pointed(t session.Token) identity.Name {
	if s.here(t) {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trail.Where(t.Address)
}

// left notes that a session went to a node.
func (s *Service) left(address string, sess *stream.Session, to identity.Name) {
	s.mu.Lock()
	s.stats.Given++
	s.trail.Left(address, to)
	s.moved.Left(string(sess.Endpoint()), to)
	s.mu.Unlock()
	s.Ended(sess.JID())
}

// Left notes that a session went to a node for another reason than that its client came there: a drain.
func (s *Service) Left(stream session.Stream, endpoint room.EndpointID, to identity.Name) {
	s.mu.Lock()
	if t, ok := session.ParseToken(stream.ResumeToken); ok {
		s.trail.Left(t.Address, to)
	}
	s.moved.Left(string(endpoint), to)
	s.mu.Unlock()
	s.Ended(stream.JID)
}
