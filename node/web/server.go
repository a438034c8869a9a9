package web

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// headerTime is how long a client may take to send a request's header, and a body of at most a few kilobytes.
	headerTime = 10 * time.Second
	bodyTime   = 30 * time.Second
	// answerTime lets the page through a slow link.
	answerTime = 2 * time.Minute
	idleTime   = 90 * time.Second
	// largestHeader leaves room for a token in the URL.
	largestHeader = 32 << 10
	// pprofTime is how long a profile may take to be written.
	pprofTime = 5 * time.Minute
)

// Server serves HTTP on listeners that its caller opened.
type Server struct {
	http    *http.Server
	silent  atomic.Uint64
	callers sync.Map // net.Conn to *atomic.Bool: a request came by it
}

// caller is the key of a connection's *atomic.Bool in the context of its requests.
type caller struct{}

// NewServer returns a server with limits on time and size. With a TLS configuration it speaks TLS. slow says that
// answers may take minutes (profiles): it is for the admin listener.
func NewServer(handler http.Handler, tlsConfig *tls.Config, slow bool, log *slog.Logger) *Server {
	write := answerTime
	if slow {
		write = pprofTime
	}
	s := &Server{}
	s.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked, ok := r.Context().Value(caller{}).(*atomic.Bool); ok {
				asked.Store(true)
			}
			handler.ServeHTTP(w, r)
		}),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			asked := new(atomic.Bool)
			s.callers.Store(c, asked)
			return context.WithValue(ctx, caller{}, asked)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if state != http.StateClosed && state != http.StateHijacked {
				return
			}
			if asked, ok := s.callers.LoadAndDelete(c); ok && !asked.(*atomic.Bool).Load() {
				s.silent.Add(1)
			}
		},
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       bodyTime,
		WriteTimeout:      write,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    largestHeader,
		// Strangers and scanners cause these: they say nothing about the node.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s
}

// Silent returns how many connections ended without a request that could be understood: scanners, other protocols, clients
// that gave up.
func (s *Server) Silent() uint64 { return s.silent.Load() }

// Serve serves until Shutdown, and then returns nil. It closes the listener.
func (s *Server) Serve(l net.Listener) error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown closes the listeners and waits for requests under way until ctx ends, then cuts them off. WebSockets have
// left the server and are their owners' to close.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// Limit returns a listener with at most most connections open at once: one more is closed as soon as it comes, so that
// its client learns at once and may try another node. refused is called for each; it may be nil.
func Limit(l net.Listener, most int, refused func()) net.Listener {
	return &limited{Listener: l, free: make(chan struct{}, most), refused: refused}
}

type limited struct {
	net.Listener

	free    chan struct{} // holds one for every open connection
	refused func()
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return &counted{Conn: c, free: l.free}, nil
		default:
			if l.refused != nil {
				l.refused()
			}
			_ = c.Close()
		}
	}
}

type counted struct {
	net.Conn

	once sync.Once
	free chan struct{}
}

func (c *counted) Close() error {
	c.once.Do(func() { <-c.free })
	return c.Conn.Close()
}
