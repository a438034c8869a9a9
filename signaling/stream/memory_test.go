package stream

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkIdleSession reports what a bound session takes while nothing happens, without kernel and TLS.
func BenchmarkIdleSession(b *testing.B) {
	const sessions = 500
	s := NewServer(Config{Domain: "meet.test", Node: "n1", Handler: silent{}})
	h := httptest.NewServer(s)
	defer h.Close()
	defer s.Close()
	for b.Loop() {
		before := memory()
		var conns []net.Conn
		for range sessions {
			conns = append(conns, plainClient(b, h.Listener.Addr().String()))
		}
		b.ReportMetric(float64(memory()-before)/sessions, "B/session")
		for _, c := range conns {
			_ = c.Close()
		}
		for s.Stats().Sockets > 0 {
			runtime.Gosched()
		}
	}
}

type silent struct{ Handler }

func (silent) Bound(*Session)         {}
func (silent) Closed(*Session, Cause) {}

func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// plainClient binds with as little memory of its own as can be.
func plainClient(b *testing.B, address string) net.Conn {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	r := bufio.NewReader(conn)
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: meet.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n")
	if a, err := http.ReadResponse(r, nil); err != nil || a.StatusCode != http.StatusSwitchingProtocols { //nolint:bodyclose // the connection is the body
		b.Fatal("no upgrade", err)
	}
	for _, m := range []string{openXML, authXML, openXML, bindXML} {
		frame := []byte{0x81, 0x80 | byte(len(m)), 0, 0, 0, 0}
		if len(m) > 125 {
			b.Fatal("the message does not fit the short frame")
		}
		if _, err := conn.Write(append(frame, m...)); err != nil {
			b.Fatal(err)
		}
	}
	var got strings.Builder
	for !strings.Contains(got.String(), "</jid>") {
		if _, err := io.CopyN(&got, r, 1); err != nil {
			b.Fatal(err)
		}
	}
	return conn
}
