package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func contextWith(r *http.Request, localIP string) context.Context {
	return context.WithValue(r.Context(), http.LocalAddrContextKey, localAddress(localIP))
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve runs a server until the test ends.
func serve(t *testing.T, s *Server, l net.Listener) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("shut down: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}

func TestServerHasLimits(t *testing.T) {
	for _, slow := range []bool{false, true} {
		s := NewServer(http.NotFoundHandler(), nil, slow, quiet).http
		if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
			t.Errorf("a limit is missing: %+v", s)
		}
		if slow != (s.WriteTimeout > 60*time.Second+answerTime) {
			t.Errorf("slow %v: write timeout %v", slow, s.WriteTimeout)
		}
	}
}

func TestALargeHeaderIsRefused(t *testing.T) {
	l := listen(t)
	serve(t, NewServer(echo("x"), nil, false, quiet), l)
	for size, want := range map[int]int{8 << 10: 200, 64 << 10: 431} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Large", strings.Repeat("a", size))
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("header of %d bytes: %d, want %d", size, response.StatusCode, want)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestLimitRefusesAtOnceAndLetsInAgain(t *testing.T) {
	inner := listen(t)
	var refused atomic.Int32
	l := Limit(inner, 2, func() { refused.Add(1) })
	accepted := make(chan net.Conn, 8)
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		for c := range accepted {
			_ = c.Close()
		}
	})
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	dial()
	first := <-accepted
	dial()
	<-accepted
	if _, err := bufio.NewReader(dial()).ReadByte(); err == nil || refused.Load() != 1 {
		t.Errorf("third connection: %v, %d refused", err, refused.Load())
	}
	_ = first.Close()
	_ = first.Close() // frees one place only
	dial()
	<-accepted
	if _, err := bufio.NewReader(dial()).ReadByte(); err == nil || refused.Load() != 2 {
		t.Errorf("third connection after one has gone: %v, %d refused", err, refused.Load())
	}
}

func TestShutdownCutsOffWhoDoesNotEnd(t *testing.T) {
	l, entered, release := listen(t), make(chan struct{}), make(chan struct{})
	s := NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	}), nil, false, quiet)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("shut down: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	close(release)
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestTLSNeedsACertificate(t *testing.T) {
	err := NewServer(http.NotFoundHandler(), &tls.Config{MinVersion: tls.VersionTLS12}, false, quiet).Serve(listen(t))
	if err == nil {
		t.Error("served TLS without a certificate")
	}
}
