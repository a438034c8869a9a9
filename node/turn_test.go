package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/turn/v5"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/signaling/domain"
)

// relayNode is a node with TURN and HTTPS, with a peer beside it that is no member.
func relayNode(t *testing.T) (*Node, net.PacketConn) {
	t.Helper()
	n, _ := startNode(t, "--turn", "127.0.0.1:0", "--https", "127.0.0.1:0", "--turn-peers", "127.0.0.0/8")
	peer, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := peer.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = peer.WriteTo(b[:n], from)
		}
	}()
	return n, peer
}

// TestEveryWayToTURN takes the servers that a client is told of, and has something relayed over each.
func TestEveryWayToTURN(t *testing.T) {
	n, peer := relayNode(t)
	services := n.services("somebody@localhost/x")
	var forms []string
	for _, s := range services {
		forms = append(forms, fmt.Sprintf("%s %s %s", s.Type, s.Host, s.Transport))
		if s.Type == "stun" {
			continue
		}
		for _, protocols := range [][]string{nil, {"stun.turn"}} {
			if s.Type == "turn" && protocols != nil {
				continue
			}
			back, err := relayedEcho(s, protocols, peer.LocalAddr())
			if err != nil || back != "hello" {
				t.Errorf("%s over %s, ALPN %q: %q, %v", s.Type, s.Transport, protocols, back, err)
			}
		}
	}
	want := []string{"turn 127.0.0.1 udp", "turn 127.0.0.1 tcp", "turns 127.0.0.1 tcp", "stun 127.0.0.1 udp"}
	if d := cmp.Diff(want, forms); d != "" {
		t.Error(d)
	}
	if a, b := n.services("somebody@localhost/x"), n.services("else@localhost/x"); a[0].Username == b[0].Username || a[0].Username[10:] != services[0].Username[10:] {
		t.Errorf("users %q and %q, before %q", a[0].Username, b[0].Username, services[0].Username)
	}
}

// relayedEcho sends a word to a peer over a server and returns what comes back.
func relayedEcho(s domain.Service, protocols []string, peer net.Addr) (string, error) {
	at := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	var conn net.PacketConn
	switch {
	case s.Type == "turns":
		c, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
		if err != nil {
			return "", err
		}
		conn = turn.NewSTUNConn(c)
	case s.Transport == "tcp":
		c, err := net.Dial("tcp", at)
		if err != nil {
			return "", err
		}
		conn = turn.NewSTUNConn(c)
	default:
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		conn = c
	}
	defer conn.Close()
	c, err := turn.NewClient(&turn.ClientConfig{STUNServerAddr: at, TURNServerAddr: at, Conn: conn, Username: s.Username, Password: s.Password})
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.Listen(); err != nil {
		return "", err
	}
	relay, err := c.Allocate()
	if err != nil {
		return "", err
	}
	defer relay.Close()
	if _, err := relay.WriteTo([]byte("hello"), peer); err != nil {
		return "", err
	}
	if err := relay.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	b := make([]byte, 100)
	k, _, err := relay.ReadFrom(b)
	return string(b[:k]), err
}

// TestHTTPSBesideTURN asks over HTTP/2, HTTP/1.1, and without ALPN: the page is told that it came by TLS.
func TestHTTPSBesideTURN(t *testing.T) {
	n, _ := relayNode(t)
	at := fmt.Sprintf("https://127.0.0.1:%d/config.js", n.relay.tls)
	for want, transport := range map[string]*http.Transport{
		"HTTP/2.0": {ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		"HTTP/1.1": {TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}},
		"HTTP/1.1 without ALPN": {
			DialTLS: func(network, address string) (net.Conn, error) {
				return tls.Dial(network, address, &tls.Config{InsecureSkipVerify: true})
			},
		},
	} {
		answer, err := (&http.Client{Transport: transport}).Get(at)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Errorf("%s: %v", want, err)
		}
		_ = answer.Body.Close()
		transport.CloseIdleConnections()
		if !strings.HasPrefix(want, answer.Proto) || !strings.Contains(string(body), `"wss://127.0.0.1`) || !strings.Contains(string(body), `"useTurnUdp": true`) {
			t.Errorf("%s: %s\n%s", want, answer.Proto, body)
		}
	}
}

// TestRelayIsToldOfMembers: the own media port is a peer without any setting, its neighbour is not.
func TestRelayIsToldOfMembers(t *testing.T) {
	n, _ := startNode(t, "--turn", "127.0.0.1:0")
	media := n.edge.Candidates()[0].Addr
	if want := []netip.AddrPort{media}; !cmp.Equal(n.relay.told, want, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })) {
		t.Errorf("told %v, want %v", n.relay.told, want)
	}
	s := n.services("x")[0]
	if _, err := relayedEcho(s, nil, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.2:9"))); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("another address: %v, want 403", err)
	}
}

// TestOneCredentialOpensEveryNode joins two nodes: each is told of both, the other one first, relays to the other's media with a
// credential that the first one gave, and no more once the other has left.
func TestOneCredentialOpensEveryNode(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(identity.NewSecret().Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _ := startNode(t, "--secret-file", secret, "--turn", "127.0.0.1:0")
	b, _ := startNode(t, "--secret-file", secret, "--turn", "127.0.0.1:0", "--join", a.mesh.Addr().String())
	eventually := func(what string, yes func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if yes() {
				return
			}
		}
		t.Fatalf("%s: not within %v", what, patience)
	}
	ports := func(n *Node) (all []int) {
		for _, s := range n.services("x") {
			if s.Type == "turn" && s.Transport == "tcp" {
				all = append(all, s.Port)
			}
		}
		return all
	}
	at := func(n *Node) int { return int(n.relay.clear) }
	eventually("a tells of b first", func() bool { return slices.Equal(ports(a), []int{at(b), at(a)}) })
	eventually("b tells of a first", func() bool { return slices.Equal(ports(b), []int{at(a), at(b)}) })
	s := a.services("x")[0]
	media := net.UDPAddrFromAddrPort(a.edge.Candidates()[0].Addr)
	eventually("b relays to a's media", func() bool {
		// Media does not answer a word that is no check; that it was sent on is what counts.
		sent := b.relay.Stats().UpPackets
		_ = relayedWord(t, s, media)
		return b.relay.Stats().UpPackets > sent
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
	eventually("b tells of itself alone", func() bool { return slices.Equal(ports(b), []int{at(b)}) })
	eventually("b relays to a no more", func() bool {
		before := b.relay.Stats()
		_ = relayedWord(t, s, media)
		after := b.relay.Stats()
		return after.UpPackets == before.UpPackets && after.Forbidden > before.Forbidden
	})
}

// relayedWord sends a word to a peer over a server's relay.
func relayedWord(t *testing.T, s domain.Service, peer net.Addr) error {
	t.Helper()
	at := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := turn.NewClient(&turn.ClientConfig{STUNServerAddr: at, TURNServerAddr: at, Conn: conn, Username: s.Username, Password: s.Password})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	relay, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	if _, err := relay.WriteTo([]byte("hello"), peer); err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond) // until it is through
	return nil
}

// TestMediaBehindNAT has an address advertised that this machine does not have.
func TestMediaBehindNAT(t *testing.T) {
	at := netip.MustParseAddrPort
	local := at("127.0.0.1:10000")
	got := behindNAT([]netip.AddrPort{at("198.51.100.1:20000"), at("[2001:db8::1]:10000"), at("127.0.0.1:10000")}, at("[::]:10000"))
	want := map[netip.AddrPort]netip.AddrPort{at("198.51.100.1:20000"): local, at("[2001:db8::1]:10000"): at("[::1]:10000")}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	got = behindNAT([]netip.AddrPort{at("198.51.100.1:20000"), at("[2001:db8::1]:10000")}, at("10.0.0.5:10000"))
	if want := map[netip.AddrPort]netip.AddrPort{at("198.51.100.1:20000"): at("10.0.0.5:10000")}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
