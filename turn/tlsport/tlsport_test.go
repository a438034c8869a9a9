package tlsport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/tools/simnet"
)

// certificate is made once: its end is that of virtual time.
var certificate = func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), DNSNames: []string{"meet.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}()

const at = "192.0.2.1:443"

// rig is a port with an HTTP server behind it, and everything that TURN gets.
type rig struct {
	*testing.T
	net    *simnet.Network
	port   *Port
	client *simnet.Host
	turn   chan string // what TURN's connections said first
	asked  chan *http.Request
}

func in(t *testing.T, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, net: simnet.New(1), turn: make(chan string, 100), asked: make(chan *http.Request, 100)}
		defer r.net.Close()
		r.client = r.net.Host("192.0.2.9")
		base, err := r.net.Host("192.0.2.1").Listen("tcp", ":443")
		if err != nil {
			t.Fatal(err)
		}
		r.port = Listen(base, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}})
		server := &http.Server{
			Handler:     http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { r.asked <- q }),
			ErrorLog:    log.New(io.Discard, "", 0),
			IdleTimeout: time.Minute,
		}
		go func() { _ = server.Serve(r.port.HTTP()) }()
		go func() {
			for {
				c, err := r.port.TURN().Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					b := make([]byte, 100)
					n, _ := io.ReadFull(c, b[:4])
					r.turn <- string(b[:n])
				}()
			}
		}()
		f(r)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := r.port.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (r *rig) connect() net.Conn {
	r.Helper()
	c, err := r.client.Dial("tcp", at)
	if err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *rig) shake(protocols ...string) *tls.Conn {
	r.Helper()
	c := tls.Client(r.connect(), &tls.Config{InsecureSkipVerify: true, NextProtos: protocols, ServerName: "meet.test"})
	if err := c.Handshake(); err != nil {
		r.Fatal(err)
	}
	return c
}

// within returns what comes in a second.
func within[T any](t *testing.T, c chan T) (v T, ok bool) {
	t.Helper()
	select {
	case v = <-c:
		return v, true
	case <-time.After(time.Second):
		return v, false
	}
}

func TestWhoSpeaksWhat(t *testing.T) {
	const request = "GET /x HTTP/1.1\r\nHost: meet.test\r\n\r\n"
	for name, c := range map[string]struct {
		protocols []string
		say       string
		turn      bool
	}{
		"TURN by ALPN":             {[]string{ALPN}, "\x00\x03\x00\x00", true},
		"TURN by ALPN, among some": {[]string{"stun.nat-discovery", ALPN}, "\x00\x01\x00\x00", true},
		"TURN by its first byte":   {nil, "\x00\x03\x00\x00", true},
		"HTTP by ALPN":             {[]string{"http/1.1"}, request, false},
		"HTTP by its first byte":   {nil, request, false},
		"HTTP, and no less so":     {[]string{"http/1.1", ALPN}, request, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				conn := r.shake(c.protocols...)
				defer conn.Close()
				if _, err := io.WriteString(conn, c.say); err != nil {
					t.Fatal(err)
				}
				if c.turn {
					if said, ok := within(t, r.turn); !ok || said != c.say {
						t.Errorf("TURN got %q (%v), want %q", said, ok, c.say)
					}
					return
				}
				q, ok := within(t, r.asked)
				if !ok || q.URL.Path != "/x" || q.Host != "meet.test" {
					t.Fatalf("HTTP got %+v", q)
				}
				answer := make([]byte, 12)
				if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 200" {
					t.Errorf("answered %q, %v", answer, err)
				}
			})
		})
	}
}

// TestHTTP2 lets net/http speak it over both ends.
func TestHTTP2(t *testing.T) {
	in(t, func(r *rig) {
		transport := &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			DialContext: func(context.Context, string, string) (net.Conn, error) { return r.client.Dial("tcp", at) },
		}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get("https://meet.test/x")
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if q, ok := within(t, r.asked); !ok || answer.ProtoMajor != 2 || q.TLS == nil {
			t.Errorf("HTTP/%d, %+v", answer.ProtoMajor, q)
		}
	})
}

// TestSilence: nobody stays who does not shake hands, or says nothing afterwards.
func TestSilence(t *testing.T) {
	for name, begin := range map[string]func(r *rig) net.Conn{
		"says nothing":               func(r *rig) net.Conn { return r.connect() },
		"shakes hands and is silent": func(r *rig) net.Conn { return r.shake() },
		"begins to shake hands": func(r *rig) net.Conn {
			c := r.connect()
			_, _ = c.Write([]byte{22, 3, 1, 0, 200, 1})
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				c := begin(r)
				defer c.Close()
				begun := time.Now()
				_ = c.SetReadDeadline(begun.Add(time.Minute))
				_, err := io.Copy(io.Discard, c)
				var late net.Error
				if took := time.Since(begun); errors.As(err, &late) && late.Timeout() || took > handshakeTime+time.Second || took < handshakeTime-time.Second {
					t.Errorf("closed after %v: %v", took, err)
				}
				synctest.Wait()
				if s := r.port.Stats(); s != (Stats{Slow: 1}) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestOtherProtocols(t *testing.T) {
	in(t, func(r *rig) {
		c := r.connect()
		defer c.Close()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := r.port.Stats(); s != (Stats{Failed: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// TestACrowdIsBounded: one address has so many handshakes at once, and another comes through.
func TestACrowdIsBounded(t *testing.T) {
	in(t, func(r *rig) {
		var crowd []net.Conn
		for range ofOneAddress + 10 {
			if c, err := r.client.Dial("tcp", at); err == nil { // one too many may be cut off before it knows that it is connected
				crowd = append(crowd, c)
			}
			synctest.Wait() // the network holds so many that nobody has accepted yet
		}
		time.Sleep(time.Second)
		if s := r.port.Stats(); s.TooMany != 10 {
			t.Errorf("%+v", s)
		}
		r.client = r.net.Host("192.0.2.10")
		conn := r.shake(ALPN)
		defer conn.Close()
		_, _ = conn.Write([]byte("\x00\x03\x00\x00"))
		if _, ok := within(t, r.turn); !ok {
			t.Error("another address does not come through")
		}
		time.Sleep(handshakeTime)
		synctest.Wait()
		r.port.mu.Lock()
		defer r.port.mu.Unlock()
		if s := r.port.Stats(); s.Slow != ofOneAddress || len(r.port.from) != 0 || r.port.total != 0 {
			t.Errorf("%+v, left %v", s, r.port.from)
		}
		for _, c := range crowd {
			_ = c.Close()
		}
	})
}

// TestOneSideCloses: the other goes on.
func TestOneSideCloses(t *testing.T) {
	in(t, func(r *rig) {
		if err := r.port.TURN().Close(); err != nil {
			t.Fatal(err)
		}
		turn := r.shake(ALPN)
		defer turn.Close()
		if _, err := io.Copy(io.Discard, turn); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("TURN: %v", err)
		}
		web := r.shake("http/1.1")
		defer web.Close()
		_, _ = io.WriteString(web, "GET /x HTTP/1.1\r\nHost: meet.test\r\n\r\n")
		if _, ok := within(t, r.asked); !ok {
			t.Error("HTTP ends with TURN")
		}
	})
}

// TestCloseWaitsForNobody closes the port under handshakes, and under who is silent.
func TestCloseWaitsForNobody(t *testing.T) {
	in(t, func(r *rig) {
		conns := []net.Conn{r.connect(), r.shake()}
		begun := time.Now()
		if err := r.port.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("it took %v", took)
		}
		for _, c := range conns {
			_ = c.Close()
		}
	})
}
