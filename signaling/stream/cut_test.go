package stream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// dialTLS is bind of a client over TLS.
func (n *network) dialTLS() *client {
	n.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		n.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"meet.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		n.t.Fatal(err)
	}
	c := &client{t: n.t}
	transport := &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		n.listener.conns <- tls.Server(far, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
		c.net = near
		return tls.Client(near, &tls.Config{InsecureSkipVerify: true}), nil //nolint:gosec // the certificate is made up
	}}
	ws, _, err := websocket.Dial(n.t.Context(), "wss://meet.test/xmpp-websocket", //nolint:bodyclose // the socket is the body
		&websocket.DialOptions{Subprotocols: []string{"xmpp"}, HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		n.t.Fatalf("dial: %v", err)
	}
	c.ws = ws
	return c
}

// Who suspends or exports a session is the loop of a room: it must not wait for a client that does not read.
func TestACutWaitsForNoClient(t *testing.T) {
	for name, cut := range map[string]func(*Session){"suspend": (*Session).Suspend, "export": func(s *Session) { s.Export() }} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, n *network) {
				c := n.dialTLS().bind()
				c.enable()
				begun := time.Now() // from here on the client reads nothing, and what is written to it has no room
				cut(n.recorder.last())
				if took := time.Since(begun); took > 0 {
					t.Errorf("it took %v", took)
				}
				c.cut()
			})
		})
	}
}
