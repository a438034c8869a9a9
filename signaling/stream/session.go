package stream

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Session is a client with a bound resource. It stays the same when the client resumes with another socket.
type Session struct {
	server   *Server
	jid      string // full
	owner    string // bare JID
	endpoint room.EndpointID
	token    session.Token

	// turn is held during calls of the handler: they come one at a time. It is a channel so that waiting for it is no
	// waiting for a lock.
	turn     chan struct{}
	arriving atomic.Bool // the turn is held until Settle

	mu     sync.Mutex
	ledger ledger
	socket *socket     // nil while suspended
	base   string      // scheme and host by which the client came last
	expiry *time.Timer // not nil while suspended
	waits  int         // how often it was suspended
	ending Cause       // the end was asked for; the reader completes it
	over   bool        // closed or exported
}

func newSession(s *Server, owner, resource string, endpoint room.EndpointID, t session.Token) *Session {
	return &Session{
		server: s, jid: owner + "/" + resource, owner: owner, endpoint: endpoint, token: t, turn: make(chan struct{}, 1),
	}
}

// Settle lets in who waits for a session of [Server.Arrive]. A second call does nothing.
func (s *Session) Settle() {
	if s.arriving.CompareAndSwap(true, false) {
		<-s.turn
	}
}

// JID returns the full JID.
func (s *Session) JID() string { return s.jid }

// Endpoint returns the endpoint id that the JID begins with.
func (s *Session) Endpoint() room.EndpointID { return s.endpoint }

// SocketURL returns scheme and host by which the client came last, as the beginning of a WebSocket URL: other sockets that the
// client is told of repeat it.
func (s *Session) SocketURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// Send sends a stanza, complete XML that nobody changes afterwards. It never blocks. When the session is suspended the stanza
// waits for the client, when it is over the stanza is dropped, when too much waits the session ends.
func (s *Session) Send(xml []byte) {
	s.mu.Lock()
	if s.over || s.ending != 0 {
		s.mu.Unlock()
		return
	}
	ask := s.ledger.give(xml)
	fits := !s.ledger.over(s.server.limits)
	if s.socket != nil {
		fits = fits && s.socket.queue.put(xml) && (!ask || s.socket.queue.put(ackRequest))
	}
	suspended := !fits && s.end(Overflow, "resource-constraint")
	s.mu.Unlock()
	if suspended {
		s.server.spawn(func() { s.detach(nil, Overflow) })
	}
}

// Close ends the session. The condition is that of the stream error that the client is told (RFC 6120 4.9.3); empty closes
// without error. Closed follows.
func (s *Session) Close(condition string) { s.close(Dropped, condition) }

func (s *Session) close(cause Cause, condition string) {
	s.mu.Lock()
	suspended := s.end(cause, condition)
	s.mu.Unlock()
	if suspended {
		s.server.spawn(func() { s.detach(nil, cause) })
	}
}

// end begins the end, with mu held. It reports whether there is no reader to complete it.
func (s *Session) end(cause Cause, condition string) (suspended bool) {
	if s.over || s.ending != 0 {
		return false
	}
	s.ending = cause
	if s.socket == nil {
		return true
	}
	if condition == "" {
		s.socket.finish(closeFrame)
	} else {
		s.socket.finish(errorFrame(condition, "", nil), closeFrame)
	}
	return false
}

// Suspend cuts the socket as if the network had. When the handler is told Suspended, all that the session has counted has been
// handed to the handler, and Export gives a value that neither loses nor repeats a stanza.
func (s *Session) Suspend() {
	s.mu.Lock()
	k := s.socket
	s.mu.Unlock()
	if k != nil {
		k.kill()
	}
}

// Export ends the session here, without Closed, and returns what another server needs to go on with it. Nothing is handed to the
// handler any more, except a call that has already begun. The socket, if there still is one, is cut: the client then looks for
// its session by the resume token. The value of a session that is over, or that the client cannot resume, has no token.
func (s *Session) Export() session.Stream {
	s.mu.Lock()
	if s.over || s.ending != 0 {
		s.mu.Unlock()
		return session.Stream{}
	}
	s.over = true
	value := session.Stream{JID: s.jid, Received: s.ledger.received, Acked: s.ledger.acked, Unacked: s.ledger.unacked}
	if s.ledger.resumable {
		value.ResumeToken = s.token.String()
	}
	s.ledger.unacked = nil
	k := s.socket
	s.socket = nil
	s.stopExpiry()
	s.mu.Unlock()
	s.server.forget(s)
	if k != nil {
		k.kill()
	}
	return value
}

// Snapshot returns what another server needs to go on with the session when this one is gone, and changes nothing. What it has
// received is what the handler has had. ok is false when there is nothing that the client could resume.
func (s *Session) Snapshot() (value session.Stream, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.ending != 0 || !s.ledger.resumable {
		return session.Stream{}, false
	}
	return session.Stream{
		JID: s.jid, ResumeToken: s.token.String(), Received: s.ledger.handled, Acked: s.ledger.acked, Unacked: slices.Clone(s.ledger.unacked),
	}, true
}

// Guard says that another server would go on with the session from a snapshot with this counter of received stanzas: the client is
// not told of more, so that it sends again what would be lost. It holds until Unguard.
func (s *Session) Guard(received uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if tell := s.ledger.guard(received); tell && s.socket != nil && s.ending == 0 {
		s.put(s.socket, s.ledger.ackFrame())
	}
}

// Unguard ends Guard.
func (s *Session) Unguard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.guarded = false
	if s.ledger.owed && s.socket != nil && s.ending == 0 {
		s.put(s.socket, s.ledger.ackFrame())
	}
}

// route counts a stanza that came by k and hands it to the handler. A nil stanza is counted only. It reports false, and does
// nothing, when k is not the session's socket any more.
func (s *Session) route(k *socket, el *stanza.Element) (live bool) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	live = s.socket == k && s.ending == 0
	if live {
		s.ledger.take()
	}
	s.mu.Unlock()
	if live && el != nil {
		s.server.config.Handler.Stanza(s, el)
	}
	s.mu.Lock()
	s.ledger.handled = s.ledger.received
	s.mu.Unlock()
	return live
}

// bound tells the handler of the new session.
func (s *Session) bound() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.server.config.Handler.Bound(s)
}

// enable turns stream management on.
func (s *Session) enable(k *socket, resumable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != k || s.ending != 0 {
		return
	}
	frame := managementFailure("unexpected-request")
	if !s.ledger.enabled {
		s.ledger.enabled, s.ledger.resumable = true, resumable
		enabled := stanza.New(nsManaging, "enabled")
		if resumable {
			enabled.Set("id", s.token.String())
			enabled.Set("resume", "true")
			enabled.Set("max", strconv.Itoa(int(s.server.limits.Resume.Seconds())))
		}
		frame = enabled.Bytes()
	}
	s.put(k, frame)
}

// sendAck answers a request for our counter.
func (s *Session) sendAck(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == k && s.ledger.enabled {
		s.put(k, s.ledger.ackFrame())
	}
}

// put writes something that is no stanza, with mu held.
func (s *Session) put(k *socket, frame []byte) {
	if !k.queue.put(frame) {
		s.end(Overflow, "resource-constraint")
	}
}

// acknowledge takes the client's counter. When that is wrong it returns what to tell the client.
func (s *Session) acknowledge(k *socket, h uint32) *stanza.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != k || !s.ledger.enabled {
		return nil
	}
	if err := s.ledger.acknowledge(h); err != nil {
		return s.ledger.tooHigh(h)
	}
	return nil
}

// resume gives the session a new socket, on which everything after h is sent again. It reports false when there is nothing to
// resume; detail is not nil when h is wrong.
func (s *Session) resume(k *socket, h uint32) (ok bool, detail *stanza.Element) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	if s.over || s.ending != 0 || !s.ledger.resumable {
		s.mu.Unlock()
		return false, nil
	}
	if err := s.ledger.acknowledge(h); err != nil {
		detail = s.ledger.tooHigh(h)
		s.mu.Unlock()
		return false, detail
	}
	s.ledger.revived = false
	old := s.socket
	s.socket, k.session, s.base = k, s, k.base
	s.stopExpiry()
	k.engine.establish(s.jid)
	k.queue.fill(s.ledger.resumedFrame(s.token.String()))
	if len(s.ledger.unacked) > 0 {
		k.queue.fill(s.ledger.unacked...)
		k.queue.fill(ackRequest)
	}
	s.mu.Unlock()
	s.server.stats.resumed.Add(1)
	if old != nil {
		old.finish(errorFrame("conflict", "resumed by another socket", nil), closeFrame)
		s.server.config.Handler.Suspended(s)
	}
	s.server.config.Handler.Resumed(s)
	return true, nil
}

// detach takes k from the session. Without a cause the socket was lost: the session waits for its client if it can.
func (s *Session) detach(k *socket, cause Cause) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	if s.socket != k || s.over {
		s.mu.Unlock()
		return
	}
	s.socket = nil
	switch {
	case s.ending != 0:
		cause = s.ending
	case cause == 0 && !s.ledger.resumable:
		cause = Lost
	}
	if cause == 0 {
		s.await()
		s.mu.Unlock()
		s.server.log.Debug("session suspended", "endpoint", s.endpoint)
		s.server.config.Handler.Suspended(s)
		return
	}
	s.finish(cause)
}

// finish ends the session for good. It is called with turn and mu held and gives mu back.
func (s *Session) finish(cause Cause) {
	s.over = true
	s.ledger.unacked = nil
	s.stopExpiry()
	s.mu.Unlock()
	s.server.forget(s)
	s.server.stats.closed(cause)
	s.server.log.Debug("session closed", "endpoint", s.endpoint, "cause", cause)
	s.server.config.Handler.Closed(s, cause)
}

// await begins the wait for the client, with mu held.
func (s *Session) await() {
	s.waits++
	n := s.waits
	s.expiry = time.AfterFunc(s.server.limits.Resume, func() { s.server.spawn(func() { s.expire(n) }) })
}

// expire ends the session when it is still in its nth wait.
func (s *Session) expire(n int) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	if s.over || s.expiry == nil || s.waits != n {
		s.mu.Unlock()
		return
	}
	cause := Expired
	if s.ending != 0 {
		cause = s.ending
	}
	s.finish(cause)
}

// stopExpiry ends the wait for the client, with mu held.
func (s *Session) stopExpiry() {
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
}

// discard ends a session that nobody has seen.
func (s *Session) discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.stopExpiry()
}

func (s *Session) suspended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket == nil && !s.over
}

// restore fills a session that another server exported and lets it wait for its client.
func (s *Session) restore(value session.Stream, revived bool) error {
	l := ledger{enabled: true, resumable: true, received: value.Received, handled: value.Received, acked: value.Acked, revived: revived}
	l.known = len(value.Unacked)
	for _, xml := range value.Unacked {
		l.unacked = append(l.unacked, xml)
		l.bytes += len(xml)
	}
	if l.over(s.server.limits) {
		return fmt.Errorf("import session of %s: %d stanzas with %d bytes wait", s.endpoint, len(l.unacked), l.bytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger = l
	s.await()
	return nil
}
