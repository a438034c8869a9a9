package simnet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
)

// TestICEAndDTLS connects two agents of pion in a bubble, one behind a NAT that lets in who was sent to alone, and shakes
// hands over the pair they found: in virtual time, without a socket of the machine.
func TestICEAndDTLS(t *testing.T) {
	in(t, 5, func(t *testing.T, n *Network) {
		node := n.Host("192.0.2.1")
		home := n.NAT("203.0.113.1", NATConfig{Filtering: AddressAndPortDependent})
		n.Connect(node, home, Link{Delay: 40 * time.Millisecond, Jitter: time.Millisecond, Loss: 0.01})
		start := time.Now()

		server, serverConn := agent(t, packets(t, node, "192.0.2.1:10000"))
		client, clientConn := agent(t, packets(t, home.Host("192.168.1.2"), "192.168.1.2:50000"))
		candidates := gather(t, server)
		gather(t, client)
		for _, c := range candidates {
			check(t, client.AddRemoteCandidate(c)) // the server learns the client's from its checks
		}
		serverUfrag, serverPwd, err := server.GetLocalUserCredentials()
		check(t, err)
		clientUfrag, clientPwd, err := client.GetLocalUserCredentials()
		check(t, err)

		type result struct {
			conn net.Conn
			err  error
		}
		accepted := make(chan result)
		go func() {
			conn, err := client.Accept(t.Context(), serverUfrag, serverPwd)
			accepted <- result{conn, err}
		}()
		serverSide := must(server.Dial(t.Context(), clientUfrag, clientPwd))
		r := <-accepted
		clientSide := must(r.conn, r.err)
		connected := time.Since(start)
		if connected < 80*time.Millisecond || connected > 5*time.Second {
			t.Errorf("connected after %v", connected)
		}
		if got := serverSide.RemoteAddr().String(); got != "203.0.113.1:20000" {
			t.Errorf("the server sees %s", got)
		}

		certificate := selfSigned(t)
		go func() {
			conn, err := dtls.ServerWithOptions(packetEnd{serverSide}, serverSide.RemoteAddr(), dtls.WithCertificates(certificate))
			if err == nil {
				buf := make([]byte, 100)
				k, _ := conn.Read(buf)
				conn.Write(append([]byte("echo "), buf[:k]...))
			}
			accepted <- result{conn, err}
		}()
		secure := must(dtls.ClientWithOptions(packetEnd{clientSide}, clientSide.RemoteAddr(),
			dtls.WithCertificates(certificate), dtls.WithInsecureSkipVerify(true)))
		must(secure.Write([]byte("hello")))
		buf := make([]byte, 100)
		k, err := secure.Read(buf)
		if string(buf[:k]) != "echo hello" || err != nil {
			t.Errorf("%q %v", buf[:k], err)
		}
		r = <-accepted
		check(t, r.err)
		t.Logf("connected after %v, secured after %v", connected, time.Since(start))
		secure.Close()
		r.conn.Close()
		client.Close()
		server.Close()
		clientConn.Close()
		serverConn.Close()
	})
}

// packetEnd is a connected pair as dtls wants it.
type packetEnd struct{ net.Conn }

func (e packetEnd) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := e.Read(b)
	return n, e.RemoteAddr(), err
}
func (e packetEnd) WriteTo(b []byte, _ net.Addr) (int, error) { return e.Write(b) }

func agent(t *testing.T, conn *PacketConn) (*ice.Agent, *ice.UDPMuxDefault) {
	t.Helper()
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn})
	a, err := ice.NewAgentWithOptions(ice.WithUDPMux(mux), ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithPrflxAcceptanceMinWait(0))
	return must(a, err), mux
}

func gather(t *testing.T, a *ice.Agent) []ice.Candidate {
	t.Helper()
	var all []ice.Candidate
	done := make(chan struct{})
	check(t, a.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			close(done)
			return
		}
		all = append(all, c)
	}))
	check(t, a.GatherCandidates())
	<-done
	return all
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
