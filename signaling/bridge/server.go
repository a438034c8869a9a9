package bridge

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"
)

// Prefix is where the URL of every channel begins.
const Prefix = "/colibri-ws/"

// Config is what a Server needs. Lookup must be set.
type Config struct {
	// Lookup returns who takes the messages of an endpoint, or false when there is no such endpoint or the password is
	// wrong. It compares passwords in constant time, must not block for long, and may be called from many goroutines.
	Lookup func(conference, endpoint, password string) (Handler, bool)
	// Elsewhere opens the channels of endpoints that Lookup does not find. Nil: there are no other nodes.
	Elsewhere Elsewhere
	// AllowOrigin says whether a page of this origin may open channels. Nil allows all: the password is what counts.
	AllowOrigin func(r *http.Request) bool
	// Version is told to clients in ServerHello.
	Version string
	Log     *slog.Logger
}

// Server accepts bridge channels. It is an http.Handler for everything below Prefix.
type Server struct {
	cfg Config

	refused, broken, relayed atomic.Uint64
	opening                  chan struct{} // an element for each question to other nodes under way

	mu       sync.Mutex
	closed   bool
	channels map[endpoint]*Channel
	running  sync.WaitGroup
}

type endpoint struct{ conference, id string }

// NewServer returns a Server. Close ends its channels.
func NewServer(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, channels: make(map[endpoint]*Channel), opening: make(chan struct{}, openings)}
}

// ServeHTTP opens a channel, or says why not.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	node, ep, ok := parsePath(r.URL.Path)
	if !ok {
		s.refused.Add(1)
		http.NotFound(w, r)
		return
	}
	if s.cfg.AllowOrigin != nil && !s.cfg.AllowOrigin(r) {
		http.Error(w, "origin not allowed", http.StatusForbidden)
		return
	}
	password := r.URL.Query().Get("pwd")
	handler, ok := s.cfg.Lookup(ep.conference, ep.id, password)
	if !s.enter() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	staying := false
	defer func() {
		if !staying {
			s.running.Done()
		}
	}()
	var relay *relay
	if !ok {
		relay = s.openElsewhere(r.Context(), Address{node, ep.conference, ep.id, password})
		if relay == nil {
			s.refused.Add(1)
			http.Error(w, "unknown endpoint or wrong password", http.StatusForbidden)
			return
		}
		handler = relay
	}
	h := &hijacker{ResponseWriter: w}
	conn, err := websocket.Accept(h, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // AllowOrigin has decided
	if err != nil {
		s.cfg.Log.Debug("bridge channel refused", "err", err)
		relay.drop()
		return
	}
	conn.SetReadLimit(-1) // the channel bounds messages itself: the library would tell the client before it tells us
	c := newChannel(socket{conn, h.conn}, handler, &s.broken)
	if relay != nil {
		c.raw = relay.fromClient
	}
	// The request's goroutine with its buffers is not kept for the life of the channel.
	staying = true
	go func() {
		defer s.running.Done()
		s.run(ep, c)
	}()
}

// run is the life of a channel.
func (s *Server) run(ep endpoint, c *Channel) {
	if c.raw == nil { // else the other node says it
		c.Send(ServerHello{Version: s.cfg.Version})
	}
	if !s.add(ep, c) {
		c.Close(StatusGoingAway, "shutting down")
		c.helpers.Wait()
		if r, ok := c.handler.(*relay); ok {
			r.drop()
		}
		return
	}
	c.open()
	c.run()
	s.remove(ep, c)
}

// Sizes of the buffers of a connection: what comes is short, and what goes out is rarely longer. The HTTP server's are 4 KiB each.
const (
	readBuffer  = 512
	writeBuffer = 1 << 10
)

// hijacker keeps the connection that the WebSocket library takes over.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take the connection over: %w", err)
	}
	h.conn = conn
	// What is in rw.Writer is the answer to the upgrade request: it must leave first.
	if err := rw.Flush(); err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("answer the upgrade: %w", err)
	}
	if rw.Reader.Buffered() > 0 { // of a client that does not wait for the answer
		return conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(conn, writeBuffer)), nil
	}
	return conn, bufio.NewReadWriter(bufio.NewReaderSize(conn, readBuffer), bufio.NewWriterSize(conn, writeBuffer)), nil
}

// Stats counts channels since the server was made.
type Stats struct {
	// Refused were asked for in vain: a wrong password, or nobody by that name.
	Refused uint64
	// Broken were closed because the client broke a rule or did not read.
	Broken uint64
	// Relayed were opened for participants of other nodes.
	Relayed uint64
}

// Stats returns the counts so far.
func (s *Server) Stats() Stats { return Stats{s.refused.Load(), s.broken.Load(), s.relayed.Load()} }

// parsePath reads /colibri-ws/<node>/<conference>/<endpoint>.
func parsePath(path string) (node string, ep endpoint, ok bool) {
	rest, ok := strings.CutPrefix(path, Prefix)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 || parts[1] == "" || parts[2] == "" || len(path) > 1024 {
		return "", endpoint{}, false
	}
	return parts[0], endpoint{parts[1], parts[2]}, true
}

func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// add makes c the channel of its endpoint and ends the one before it.
func (s *Server) add(ep endpoint, c *Channel) bool {
	s.mu.Lock()
	old := s.channels[ep]
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.channels[ep] = c
	s.mu.Unlock()
	if old != nil {
		old.shut(StatusNormal, "replaced", ErrReplaced)
		old.end(ErrReplaced) // before the new one's Opened; its connection may take seconds to close
	}
	return true
}

func (s *Server) remove(ep endpoint, c *Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[ep] == c {
		delete(s.channels, ep)
	}
}

// Close ends all channels with StatusGoingAway, refuses new ones, and waits until their goroutines have ended.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, c := range s.channels {
		c.Close(StatusGoingAway, "shutting down")
	}
	s.mu.Unlock()
	s.running.Wait()
}
