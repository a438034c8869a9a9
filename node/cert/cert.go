// Package cert holds the certificate that the node shows to clients over TLS.
//
// There are two kinds. An operator's own certificate comes from two PEM files and is read again when they change.
// Without one the node makes its own, self-signed: ECDSA P-256, for the domain, localhost and the addresses it was told
// of, valid for 397 days, kept with its key in the data folder and made anew 30 days before its end, or when it does
// not name everything any more.
//
// Nothing runs in the background: a [Store] looks at its files or at the clock when a client connects, at most once in
// ten seconds. A change that cannot be used is logged, and the certificate before it stays.
package cert

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"time"
)

// pause is how long a Store does not look again.
const pause = 10 * time.Second

// source is where certificates come from.
type source interface {
	// next returns the certificate to use from now on, or nil to go on with the one before.
	next(now time.Time) (*tls.Certificate, error)
}

// Store is a certificate that renews itself. Its methods may be called at once from several goroutines.
type Store struct {
	source source
	now    func() time.Time
	log    *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	looked  time.Time
}

func open(s source, now func() time.Time, log *slog.Logger) (*Store, error) {
	current, err := s.next(now())
	if err != nil {
		return nil, err
	}
	return &Store{source: s, now: now, log: log, current: current, looked: now()}, nil
}

// TLS returns a server's configuration with the certificate, for HTTP/1.1 and HTTP/2.
func (s *Store) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.Current(), nil },
	}
}

// Current returns the certificate to show now.
func (s *Store) Current() *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Sub(s.looked) < pause {
		return s.current
	}
	s.looked = now
	next, err := s.source.next(now)
	if err != nil {
		s.log.Error("certificate cannot be renewed, the one before stays", "error", err, "ends", s.current.Leaf.NotAfter)
		return s.current
	}
	if next != nil {
		s.current = next
		s.log.Info("certificate renewed", "ends", next.Leaf.NotAfter)
	}
	return s.current
}
