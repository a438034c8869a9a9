package hostile

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// secure is dial with TLS.
func secure(t *testing.T, addr string) net.Conn {
	t.Helper()
	c := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec // self-signed
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// rest returns what the node says until it closes the connection, which it must do in time.
func rest(t *testing.T, c net.Conn) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(2 * patience))
	b, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("not closed; it said %.200q", b)
	}
	return string(b)
}

// TestBytes: what is no request closes the connection, on every TCP port, and is counted.
func TestBytes(t *testing.T) {
	t.Parallel()
	n := serve(t)
	random := make([]byte, 64<<10)
	_, _ = rand.Read(random)
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("A", 600)
	garbage := map[string]string{
		"random":         string(random),
		"zeros":          strings.Repeat("\x00", 4096),
		"newlines":       strings.Repeat("\r\n", 4096) + "x\r\n\r\n",
		"TLS garbage":    hello,
		"TLS to nobody":  "\x16\x03\x01\xff\xff" + strings.Repeat("\xff", 100),
		"SSH":            "SSH-2.0-OpenSSH_9.9\r\n",
		"XMPP over TCP":  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='localhost'>",
		"STUN":           "\x00\x01\x00\x00\x21\x12\xa4\x42" + strings.Repeat("\x00", 12),
		"HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"HTTP/9":         "GET / HTTP/9.0\r\nHost: localhost\r\n\r\n",
		"no host":        "GET / HTTP/1.1\r\n\r\n",
		"two hosts":      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"bad host":       "GET / HTTP/1.1\r\nHost: a\"b<c\r\nConnection: close\r\n\r\n",
		"bad method":     "G\x00T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"bad header":     "GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
		"giant line":     "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\n",
		"giant header":   "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
		"many headers":   "GET / HTTP/1.1\r\nHost: localhost\r\n" + numbered(100_000, "X%d: y\r\n") + "\r\n",
		"two lengths":    "POST /conference-request/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
		"odd coding":     "POST /conference-request/v1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n{}",
		"space before :": "POST /conference-request/v1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}",
		"bad chunk":      "POST /conference-request/v1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
	}
	for port, addr := range map[string]string{"http": n.http, "https": n.https, "admin": n.admin} {
		for name, text := range garbage {
			t.Run(port+" "+name, func(t *testing.T) {
				c := dial(t, addr)
				_, _ = io.WriteString(c, text) // it may be cut off
				_ = c.(*net.TCPConn).CloseWrite()
				said := rest(t, c)
				if first, _, _ := strings.Cut(said, "\r\n"); strings.Contains(first, " 200 ") || strings.Count(said, "HTTP/1.1 ") > 1 {
					t.Errorf("it said %.300q", said)
				}
			})
		}
	}
	for _, port := range []string{"http", "https", "admin"} { // those that got as far as a handler are no garbage
		n.reaches(`atoll_connections_silent_total{listener="`+port+`"}`, float64(len(garbage)-3))
	}
	n.works()
}

// TestSmuggling: a request with both a length and chunks ends where the chunks end, whatever the length says (RFC 9112 6.3);
// what follows is a request of its own.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	n := serve(t)
	c := dial(t, n.http)
	if _, err := fmt.Fprint(c, "POST /conference-request/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"2\r\n{}\r\n0\r\n\r\nGET /about/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for _, want := range []int{http.StatusBadRequest, http.StatusOK} {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s %q, want %d", resp.Status, body, want)
		}
	}
	if more, _ := io.ReadAll(r); len(more) > 0 {
		t.Errorf("a third answer: %q", more)
	}
}

// TestSlow: who opens a connection and does not come to the point is cut off, on every port and at every step.
func TestSlow(t *testing.T) {
	t.Parallel()
	n := serve(t)
	upgrade := "GET /xmpp-websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n"
	starts := map[string]func() net.Conn{}
	for port, addr := range map[string]string{"http": n.http, "https": n.https, "admin": n.admin} {
		starts[port+", silent"] = func() net.Conn { return dial(t, addr) }
	}
	starts["https, half a handshake"] = func() net.Conn {
		c := dial(t, n.https)
		_, _ = io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
		return c
	}
	starts["https, silent after the handshake"] = func() net.Conn { return secure(t, n.https) }
	starts["websocket, silent"] = func() net.Conn {
		c := dial(t, n.http)
		_, _ = io.WriteString(c, upgrade)
		return c
	}
	done := make(chan string)
	for name, open := range starts {
		go func() {
			c := open()
			begun := time.Now()
			rest(t, c)
			if took := time.Since(begun); took > 15*time.Second {
				t.Errorf("%s: %v", name, took)
			}
			done <- name
		}()
	}
	drips := map[string]struct {
		conn        net.Conn
		first, drip string
	}{
		"http, header by header":  {dial(t, n.http), "GET / HTTP/1.1\r\nHost: localhost\r\n", "X: y\r\n"},
		"admin, header by header": {dial(t, n.admin), "GET / HTTP/1.1\r\nHost: localhost\r\n", "X: y\r\n"},
		"https, header by header": {secure(t, n.https), "GET / HTTP/1.1\r\nHost: localhost\r\n", "X: y\r\n"},
		"websocket, ping by ping": {dial(t, n.http), upgrade, "\x89\x80\x00\x00\x00\x00"},
	}
	for name, d := range drips {
		go func() {
			begun := time.Now()
			_, _ = io.WriteString(d.conn, d.first)
			go func() { _, _ = io.Copy(io.Discard, d.conn) }()
			for time.Since(begun) < 15*time.Second {
				if _, err := io.WriteString(d.conn, d.drip); err != nil {
					done <- name
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Errorf("%s: still there", name)
			done <- name
		}()
	}
	for range len(starts) + len(drips) {
		<-done
	}
	n.works()
}
