package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Address is what a channel's URL says.
type Address struct{ Node, Conference, Endpoint, Password string }

// Elsewhere is the other nodes.
type Elsewhere interface {
	// Open opens the channel of a participant at another node. What comes for the client is given to its end here, from the
	// first moment on and one at a time; after [End.Ended] nothing comes. It returns false when nobody knows the participant.
	Open(ctx context.Context, a Address, client End) (Way, bool)
}

// Way carries what one end of a channel says to the other, at another node. It does not block.
type Way interface {
	// Send says a message, and reports whether it is on its way: if not, the channel is broken.
	Send(text []byte) bool
	// Close says that the channel is closed. Nothing is said after it.
	Close(code Status, reason string)
}

// End is one end of a channel over a [Way], as the one that brings the other's messages calls it. Its methods do not block.
type End interface {
	Text(message []byte)
	// Ended says that the other end closed, or can not be reached.
	Ended(code Status, reason string)
}

const (
	openings    = 256             // questions to other nodes at once
	openTimeout = 3 * time.Second // for their answers
	early       = 64              // messages that may come before the client's socket is open
	incoming    = 256             // messages of a client at another node that wait for the handler
)

var errLost = errors.New("the way to the other node is lost")

// relay is the handler of a channel whose participant is at another node.
type relay struct {
	way Way

	mu      sync.Mutex
	channel *Channel
	waiting [][]byte
	over    bool
	code    Status
	reason  string
}

// openElsewhere opens a channel at the node that has its participant, nil when there is none.
func (s *Server) openElsewhere(ctx context.Context, a Address) *relay {
	if s.cfg.Elsewhere == nil {
		return nil
	}
	select {
	case s.opening <- struct{}{}:
		defer func() { <-s.opening }()
	default:
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	r := &relay{}
	way, ok := s.cfg.Elsewhere.Open(ctx, a, r)
	if !ok {
		return nil
	}
	r.way = way
	s.relayed.Add(1)
	return r
}

// drop ends a channel at the other node whose client did not come.
func (r *relay) drop() {
	if r != nil {
		r.way.Close(StatusGoingAway, "the client is gone")
	}
}

func (r *relay) Opened(c *Channel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.channel = c
	for _, b := range r.waiting {
		c.SendEncoded(b)
	}
	r.waiting = nil
	if r.over {
		c.Close(r.code, r.reason)
	}
}

func (*relay) Message(*Channel, Message) {}

func (r *relay) Closed(_ *Channel, err error) {
	r.mu.Lock()
	over := r.over
	r.over = true
	r.mu.Unlock()
	if over {
		return
	}
	code := StatusNormal
	if ce := (websocket.CloseError{}); errors.As(err, &ce) && ce.Code >= 1000 && ce.Code <= 4999 {
		code = ce.Code
	}
	r.way.Close(code, "")
}

// fromClient hands a message of the client on.
func (r *relay) fromClient(message []byte) {
	r.mu.Lock()
	c, over := r.channel, r.over
	r.mu.Unlock()
	if !over && !r.way.Send(message) && c != nil {
		c.shut(StatusTryAgainLater, errLost.Error(), errLost)
	}
}

// Text takes a message for the client.
func (r *relay) Text(message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.channel != nil:
		r.channel.SendEncoded(message)
	case len(r.waiting) < early:
		r.waiting = append(r.waiting, message)
	default:
		r.over, r.code, r.reason = true, StatusTryAgainLater, "too slow"
	}
}

// Ended closes the client's channel.
func (r *relay) Ended(code Status, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.over, r.code, r.reason = true, code, reason
	if r.channel != nil {
		r.channel.Close(code, reason)
	}
}

// Far is the connection of a channel whose client came to another node.
type Far struct {
	way Way
	in  chan []byte

	once sync.Once
	over chan struct{}
	why  error
}

// Accept opens the channel of a participant here whose client came to another node, which the way leads to. It returns false when
// there is no such participant, or the password is wrong.
func (s *Server) Accept(conference, id, password string, w Way) (*Far, bool) {
	handler, ok := s.cfg.Lookup(conference, id, password)
	if !ok || !s.enter() {
		s.refused.Add(1)
		return nil, false
	}
	f := &Far{way: w, in: make(chan []byte, incoming), over: make(chan struct{})}
	go func() {
		defer s.running.Done()
		s.run(endpoint{conference, id}, newChannel(f, handler, &s.broken))
	}()
	return f, true
}

// Text takes a message of the client. One that sends more than is read loses its channel.
func (f *Far) Text(message []byte) {
	select {
	case f.in <- message:
	default:
		f.end(errors.New("too many messages"))
		f.way.Close(StatusPolicyViolation, "too many messages")
	}
}

// Ended says that the client closed, or can not be reached.
func (f *Far) Ended(code Status, reason string) {
	f.end(websocket.CloseError{Code: code, Reason: reason})
}

func (f *Far) end(why error) {
	f.once.Do(func() {
		f.why = why
		close(f.over)
	})
}

func (f *Far) read() (bool, []byte, error) {
	select {
	case m := <-f.in:
		return true, m, nil
	default:
	}
	select {
	case m := <-f.in:
		return true, m, nil
	case <-f.over:
		return false, nil, f.why
	}
}

func (f *Far) write(_ context.Context, message []byte) error {
	select {
	case <-f.over:
		return f.why
	default:
	}
	if !f.way.Send(message) {
		return errLost
	}
	return nil
}

// ping is the other node's business, and the link's.
func (*Far) ping(context.Context) error { return nil }

func (f *Far) close(code Status, reason string) {
	f.once.Do(func() {
		f.why = fmt.Errorf("closed with %d: %w", code, errClosed)
		close(f.over)
		f.way.Close(code, reason)
	})
}

func (f *Far) cut() { f.close(StatusNormal, "") }
