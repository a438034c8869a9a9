package stream

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
)

// Server accepts client streams. It is an http.Handler for the path of the WebSocket.
type Server struct {
	config    Config
	limits    Limits
	log       *slog.Logger
	addresses addresses
	stats     counters
	running   sync.WaitGroup // readers, and what spawn started
	fetches   chan struct{}  // an element for each search under way
	life      context.Context
	end       context.CancelFunc

	mu       sync.Mutex
	closing  bool
	refuses  bool
	sockets  map[*socket]struct{}
	sessions map[string]*Session // by address of the resume token
	jids     map[string]*Session // by full JID
	ids      map[room.EndpointID]*Session
}

// NewServer makes a server. It runs until Close.
func NewServer(c Config) *Server {
	limits := c.Limits.orDefault()
	s := &Server{
		config: c, limits: limits, log: c.Log,
		addresses: addresses{rate: float64(limits.ConnectRate), burst: float64(limits.ConnectBurst)},
		sockets:   make(map[*socket]struct{}),
		sessions:  make(map[string]*Session),
		jids:      make(map[string]*Session),
		ids:       make(map[room.EndpointID]*Session),
		fetches:   make(chan struct{}, limits.Fetches),
	}
	s.life, s.end = context.WithCancel(context.Background())
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// ServeHTTP upgrades to a WebSocket, or answers the keep-alive that clients send to the same URL: a plain GET, empty 200.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	allowed := s.allowed(origin, r.Host)
	if origin != "" {
		w.Header().Add("Vary", "Origin")
		if allowed {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
	}
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "GET opens a stream", http.StatusMethodNotAllowed)
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		w.Header().Set("Cache-Control", "no-store")
	case !allowed:
		s.stats.refused.Add(1)
		http.Error(w, "pages of this origin may not connect", http.StatusForbidden)
	case s.refusing() && s.find(r.URL.Query().Get("previd")) == nil: // also for who went elsewhere: it would come back
		s.stats.refused.Add(1)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "this node takes nobody new", http.StatusServiceUnavailable)
	case !slices.Contains(subprotocols(r), "xmpp"):
		s.stats.refused.Add(1)
		http.Error(w, "the subprotocol xmpp is required (RFC 7395)", http.StatusBadRequest)
	case !s.addresses.allow(time.Now(), s.address(r)):
		s.stats.refused.Add(1)
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many connections from this address", http.StatusTooManyRequests)
	default:
		s.accept(w, r)
	}
}

// Refuse has the server open no streams any more but for those who resume a session.
func (s *Server) Refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = true
}

func (s *Server) refusing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuses
}

func subprotocols(r *http.Request) []string {
	var names []string
	for _, h := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(h, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// allowed reports whether pages of an origin may open streams at host.
func (s *Server) allowed(origin, host string) bool {
	if origin == "" {
		return true
	}
	if _, at, ok := strings.Cut(origin, "://"); ok && strings.EqualFold(at, host) {
		return true
	}
	return slices.ContainsFunc(s.config.Origins, func(o string) bool { return o == "*" || strings.EqualFold(o, origin) })
}

func (s *Server) address(r *http.Request) netip.Addr {
	if s.config.Address != nil {
		return s.config.Address(r)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(host)
	return a
}

func (s *Server) accept(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	s.mu.Lock()
	full := len(s.sockets) >= s.limits.Sessions
	s.mu.Unlock()
	if full {
		s.running.Done()
		s.stats.refused.Add(1)
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	h := &hijacker{ResponseWriter: w}
	conn, err := websocket.Accept(h, r, &websocket.AcceptOptions{Subprotocols: []string{"xmpp"}, InsecureSkipVerify: true})
	if err != nil {
		s.running.Done()
		s.stats.refused.Add(1)
		return // the library has answered
	}
	k := newSocket(s, conn, h.conduit, newEngine(time.Now(), s.config.Domain, uuid.NewString(), s.limits))
	k.previd = r.URL.Query().Get("previd")
	k.base = socketURL(r)
	s.mu.Lock()
	closing := s.closing
	s.sockets[k] = struct{}{}
	s.mu.Unlock()
	if closing {
		k.kill()
	}
	s.stats.opened.Add(1)
	// The request's goroutine with its buffers is not kept for the life of the stream.
	go func() {
		defer s.running.Done()
		k.serve()
		s.mu.Lock()
		delete(s.sockets, k)
		s.mu.Unlock()
	}()
}

// socketURL returns scheme and host of the request as a WebSocket URL. A server in front of this one may have set the scheme.
func socketURL(r *http.Request) string {
	if r.TLS != nil || r.URL.Scheme == "https" || r.URL.Scheme == "wss" {
		return "wss://" + r.Host
	}
	return "ws://" + r.Host
}

// find returns the session of a resume token, nil when there is none.
func (s *Server) find(text string) *Session {
	t, ok := session.ParseToken(text)
	if !ok {
		return nil
	}
	s.mu.Lock()
	found := s.sessions[t.Address]
	s.mu.Unlock()
	if found == nil || !found.token.Equal(t) {
		return nil
	}
	return found
}

// How long a client waits for its session, and how often it is looked for.
const (
	comingTime = 2 * time.Second
	comingLook = 20 * time.Millisecond
)

// await returns the session of a resume token, also one that comes from another server in a moment.
func (s *Server) await(text string) *Session {
	until := time.Now().Add(comingTime)
	for {
		coming := s.config.Coming != nil && s.config.Coming()
		t := s.find(text)
		if _, ok := session.ParseToken(text); t != nil || !ok || !coming || time.Now().After(until) {
			return t
		}
		time.Sleep(comingLook)
	}
}

// bind makes a session for a socket.
func (s *Server) bind(k *socket, st step) step {
	owner, endpoint := s.newOwner()
	t := newSession(s, owner, uuid.NewString()[:8], endpoint, newToken(s.config.Node))
	t.socket, t.base = k, k.base
	if err := s.remember(t); err != nil {
		s.stats.refused.Add(1)
		return k.engine.fail("resource-constraint", "", nil)
	}
	k.session = t
	k.queue.fill(k.engine.bound(st.id, t.jid))
	s.stats.bound.Add(1)
	s.log.Debug("session bound", "endpoint", endpoint)
	t.bound()
	return st
}

// newOwner makes a bare JID whose endpoint id is not in use here.
func (s *Server) newOwner() (string, room.EndpointID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		u := uuid.NewString()
		id := room.EndpointID(u[:8])
		if s.ids[id] == nil {
			return u + "@" + s.config.Domain, id
		}
	}
}

// resume gives a session a new socket. Only the owner of the token, proven by the log-in, can.
func (s *Server) resume(k *socket, st step) step {
	if k.previd == st.token && s.find(st.token) == nil {
		s.fetch(st.token)
	}
	t, me := s.await(st.token), s.find(k.previd)
	if t != nil && me != nil && t.owner == me.owner {
		ok, detail := t.resume(k, st.h)
		if ok {
			s.log.Debug("session resumed", "endpoint", t.endpoint)
			return st
		}
		if detail != nil {
			return k.engine.fail("undefined-condition", "", detail)
		}
	}
	s.stats.resumeFailed.Add(1)
	k.queue.fill(managementFailure("item-not-found"))
	return st
}

// fetch has the session of a token brought here when another server has it. The socket waits for it and reads nothing.
func (s *Server) fetch(text string) {
	t, ok := session.ParseToken(text)
	if !ok || s.config.Elsewhere == nil {
		return
	}
	s.mu.Lock()
	known := s.sessions[t.Address] != nil
	s.mu.Unlock()
	if known { // and the secret is wrong
		return
	}
	select {
	case s.fetches <- struct{}{}:
	default:
		s.stats.fetchesRefused.Add(1)
		return
	}
	defer func() { <-s.fetches }()
	ctx, cancel := context.WithTimeout(s.life, s.limits.Fetch)
	defer cancel()
	if err := s.config.Elsewhere.Fetch(ctx, text); err != nil {
		s.log.Debug("session not found", "error", err)
		return
	}
	s.stats.fetched.Add(1)
}

// Prove returns the session of a resume token when the token is right. known says that there is a session at its address: then a
// token that is not right is a forged one.
func (s *Server) Prove(text string) (proven *Session, known bool) {
	t, ok := session.ParseToken(text)
	if !ok {
		return nil, false
	}
	s.mu.Lock()
	found := s.sessions[t.Address]
	s.mu.Unlock()
	switch {
	case found == nil:
		return nil, false
	case !found.token.Equal(t):
		s.stats.forged.Add(1)
		return nil, true
	}
	return found, true
}

// Import takes over a session that another server exported. It is suspended until its client resumes it here, for at most
// Limits.Resume; the handler hears of it first by Resumed or Closed.
func (s *Server) Import(value session.Stream) (*Session, error) { return s.adopt(value, false, false) }

// Revive is Import of a [Session.Snapshot] whose server went on after it and died. What the client then says that it has may be more
// than what is known of here.
func (s *Server) Revive(value session.Stream) (*Session, error) { return s.adopt(value, true, false) }

// Arrive is Import, or with revived Revive, of a session whose place in a room is on its way here too. Who resumes it waits until
// [Session.Settle], which must follow: what a client says before the room knows it would be lost.
func (s *Server) Arrive(value session.Stream, revived bool) (*Session, error) {
	return s.adopt(value, revived, true)
}

func (s *Server) adopt(value session.Stream, revived, arriving bool) (*Session, error) {
	owner, resource, ok := strings.Cut(value.JID, "/")
	local, domain, at := strings.Cut(owner, "@")
	if !ok || !at || resource == "" || domain != s.config.Domain || len(local) < 8 {
		return nil, fmt.Errorf("import session: %.80q is no full JID of %s", value.JID, s.config.Domain)
	}
	endpoint, err := room.ParseEndpointID(local[:8])
	if err != nil {
		return nil, fmt.Errorf("import session: %w", err)
	}
	t, ok := session.ParseToken(value.ResumeToken)
	if !ok {
		return nil, fmt.Errorf("import session of %s: it has no resume token", endpoint)
	}
	imported := newSession(s, owner, resource, endpoint, t)
	if arriving {
		imported.arriving.Store(true)
		imported.turn <- struct{}{}
	}
	if err := imported.restore(value, revived); err != nil {
		return nil, err
	}
	if err := s.remember(imported); err != nil { // from here on it is found
		imported.discard()
		return nil, fmt.Errorf("import session of %s: %w", endpoint, err)
	}
	return imported, nil
}

// Session returns the session with a full JID, nil when there is none.
func (s *Server) Session(jid string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jids[jid]
}

func (s *Server) remember(t *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return fmt.Errorf("the server is closed")
	case len(s.jids) >= s.limits.Sessions:
		return fmt.Errorf("there are %d sessions", len(s.jids))
	case s.sessions[t.token.Address] != nil, s.jids[t.jid] != nil, s.ids[t.endpoint] != nil:
		return fmt.Errorf("the token, the JID or the endpoint id is in use")
	}
	s.sessions[t.token.Address], s.jids[t.jid], s.ids[t.endpoint] = t, t, t
	return nil
}

func (s *Server) forget(t *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jids[t.jid] == t {
		delete(s.sessions, t.token.Address)
		delete(s.jids, t.jid)
		delete(s.ids, t.endpoint)
	}
}

// enter counts a goroutine that Close waits for. It reports false when the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.running.Add(1)
	return true
}

// spawn runs f in a goroutine that Close waits for. When the server is closed Close does what f would.
func (s *Server) spawn(f func()) {
	if s.enter() {
		go func() {
			defer s.running.Done()
			f()
		}()
	}
}

// Close ends all sessions with system-shutdown and waits until everything has ended.
func (s *Server) Close() {
	s.end()
	s.mu.Lock()
	s.closing = true
	sessions := make([]*Session, 0, len(s.jids))
	for _, t := range s.jids {
		sessions = append(sessions, t)
	}
	sockets := make([]*socket, 0, len(s.sockets))
	for k := range s.sockets {
		sockets = append(sockets, k)
	}
	s.mu.Unlock()
	for _, t := range sessions {
		t.close(Shutdown, "system-shutdown")
		if t.suspended() {
			t.detach(nil, Shutdown)
		}
	}
	for _, k := range sockets {
		k.finish(closeFrame)
	}
	s.running.Wait()
}
