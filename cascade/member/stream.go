package member

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// greetTimeout is how long a stream may take to show its label.
const greetTimeout = 3 * time.Second

var (
	errOtherSecret = errors.New("it speaks with another secret")
	errTooLong     = errors.New("more than a mebibyte on one stream")
)

// stream is a connection that is counted, and bounded in bytes read.
type stream struct {
	net.Conn
	transport *transport
	left      int
	dialled   bool
	begun     bool // something was read
}

// accept takes the streams of others.
func (t *transport) accept() {
	for pause := pauseFirst; ; {
		conn, err := t.listener.Accept()
		if err != nil {
			if !t.retry(err, &pause) {
				return
			}
			continue
		}
		pause = pauseFirst
		s := &stream{Conn: conn, transport: t, left: mostBytes}
		if t.track(s) {
			t.done.Go(func() { t.greet(s) })
		}
	}
}

// track counts a stream. When too many of others wait for an answer the one that has waited longest is closed: ours are
// answered within a round trip.
func (t *transport) track(s *stream) bool {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		_ = s.Conn.Close()
		return false
	}
	t.streams[s] = struct{}{}
	var oldest *stream
	if !s.dialled {
		t.waiting = append(t.waiting, s)
		if len(t.waiting) > mostStreams {
			oldest = t.waiting[0]
			t.waiting = slices.Delete(t.waiting, 0, 1)
		}
	}
	t.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
	return true
}

func (t *transport) answered(s *stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, s); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
}

// greet reads the label of a stream that another opened.
func (t *transport) greet(s *stream) {
	_ = s.SetDeadline(time.Now().Add(greetTimeout))
	head := make([]byte, len(t.label))
	_, err := io.ReadFull(s.Conn, head[:1])
	if err == nil && head[0] == hasLabel {
		_, err = io.ReadFull(s.Conn, head[1:])
	}
	clerk := t.clerk.Load()
	switch {
	case err != nil && head[0] != hasLabel: // nothing came
	case clerk != nil && bytes.Equal(head, clerk.label):
		if err := clerk.serve(t.ctx, s); err != nil {
			t.gripes.say(badQuestion, "addr", s.RemoteAddr().String(), "error", err)
		}
	case bytes.Equal(head, t.label):
		select {
		case t.accepted <- s:
			return
		case <-t.ctx.Done():
		}
	case head[0] == hasLabel && head[1] == t.label[1] && err == nil:
		t.gripes.say(otherSecret, "addr", s.RemoteAddr().String())
		t.tellLabel(s)
	default:
		t.gripes.say(notGossip, "addr", s.RemoteAddr().String())
	}
	_ = s.Close()
}

// tellLabel answers a stream of another secret with our label. What it sent is read for a moment: closing on unread bytes
// would reset the stream and lose the answer.
func (t *transport) tellLabel(s *stream) {
	if _, err := s.Conn.Write(t.label); err != nil {
		return
	}
	if c, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	_, _ = io.CopyN(io.Discard, s.Conn, 1<<16)
}

// Read reads, and ends with an error when there is more than any member sends, or when the other end says that its secret is another.
func (s *stream) Read(b []byte) (int, error) {
	if s.left <= 0 {
		return 0, errTooLong
	}
	n, err := s.Conn.Read(b[:min(len(b), s.left)])
	s.left -= n
	if s.dialled && !s.begun && n > 0 && b[0] == hasLabel {
		s.transport.gripes.say(otherSecret, "addr", s.RemoteAddr().String())
		return 0, errOtherSecret
	}
	s.begun = s.begun || n > 0
	return n, err
}

// Write writes. Memberlist answers a stream of another only after it was read whole.
func (s *stream) Write(b []byte) (int, error) {
	if !s.dialled {
		s.transport.answered(s)
	}
	n, err := s.Conn.Write(b)
	if err != nil && s.dialled {
		_ = s.Close() // memberlist forgets a stream whose label could not be written
	}
	return n, err
}

// Close closes the stream.
func (s *stream) Close() error {
	s.transport.mu.Lock()
	delete(s.transport.streams, s)
	s.transport.mu.Unlock()
	s.transport.answered(s)
	return s.Conn.Close()
}
