package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// fake is a member that does as a test likes. Its name is below that of all nodes, or above.
type fake struct {
	t         *testing.T
	key       identity.Key
	addr      netip.AddrPort
	host      *simnet.Host
	transport *quic.Transport
	conn      net.PacketConn
	leaf      tls.Certificate
}

func newFake(t *testing.T, r *rig, below bool, ip string) *fake {
	t.Helper()
	return newFakeAt(t, r, below, r.net.Host(ip), port)
}

func newFakeAt(t *testing.T, r *rig, below bool, host *simnet.Host, at uint16) *fake {
	t.Helper()
	f := &fake{t: t, key: identity.NewKey(), host: host, addr: netip.AddrPortFrom(host.Addr(), at)}
	for !f.fits(r, below) {
		f.key = identity.NewKey()
	}
	conn, err := f.host.ListenPacket("udp", f.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	f.conn = conn
	f.leaf, err = r.secret.Authority().Issue(f.key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.transport = &quic.Transport{Conn: conn}
	return f
}

func (f *fake) fits(r *rig, below bool) bool {
	for _, n := range r.nodes {
		if (f.key.Name() < n.name()) != below {
			return false
		}
	}
	return true
}

func (f *fake) close() {
	_ = f.transport.Close()
	_ = f.conn.Close()
}

func (f *fake) peer() Peer {
	return Peer{Name: f.key.Name(), Addrs: []netip.AddrPort{f.addr}, Link: true}
}

func (f *fake) hello() wire.Hello {
	now := uint64(time.Now().UnixMilli())
	return wire.Hello{Oldest: 1, Newest: 2, Name: f.key.Name(), Started: now, Clock: now}
}

func (f *fake) tls(protocol string) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protocol}, InsecureSkipVerify: true,
		ClientAuth: tls.RequireAnyClientCert,
	}
	if f.leaf.Certificate != nil {
		c.Certificates = []tls.Certificate{f.leaf}
	}
	return c
}

func (f *fake) dial(n *node, protocol string) *quic.Conn {
	f.t.Helper()
	conn, err := f.transport.Dial(f.t.Context(), net.UDPAddrFromAddrPort(n.addr), f.tls(protocol), clientConfig(0, handshakeSilence))
	if err != nil {
		f.t.Fatal(err)
	}
	return conn
}

// link dials and says hello.
func (f *fake) link(n *node, hello wire.Hello) (*quic.Conn, *quic.Stream, error) {
	f.t.Helper()
	conn := f.dial(n, protocolControl)
	stream, err := conn.OpenStreamSync(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := stream.Write(wire.AppendFramed(nil, hello, 2)); err != nil {
		f.t.Fatal(err)
	}
	_, err = readHello(stream)
	return conn, stream, err
}

// lane opens a lane and writes to it.
func (f *fake) lane(conn *quic.Conn, number byte, b []byte) *quic.SendStream {
	f.t.Helper()
	s, err := conn.OpenUniStreamSync(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := s.Write(append([]byte{number}, b...)); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// closed returns the reason that a connection was closed for by the other end.
func closed(err error) string {
	var application *quic.ApplicationError
	if errors.As(err, &application) && application.Remote {
		return application.ErrorMessage
	}
	return ""
}

// ended waits for the end of a connection and returns the reason.
func ended(t *testing.T, conn *quic.Conn, limit time.Duration) string {
	t.Helper()
	within(t, limit, "end of the connection", func() bool { return conn.Context().Err() != nil })
	return closed(context.Cause(conn.Context()))
}
