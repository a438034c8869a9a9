package edge

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

// forwarder is a Receiver that does one thing.
type forwarder struct{ rtp func([]byte) }

func (forwarder) Connected()             {}
func (forwarder) Flush()                 {}
func (forwarder) RTCP([]byte, time.Time) {}
func (forwarder) Tick(time.Time)         {}
func (forwarder) Closed(error)           {}
func (f forwarder) RTP(b []byte, _ time.Time) bool {
	if f.rtp != nil {
		f.rtp(b)
	}
	return false
}

// rigged is a leg that is connected by hand to a socket, without ICE and DTLS, and the client's side of its keys.
func rigged(t testing.TB, e *Edge, r Receiver) (l *Leg, conn *net.UDPConn, up *srtp.Context) {
	t.Helper()
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(e.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if l, err = e.NewLeg(r); err != nil {
		t.Fatal(err)
	}
	const profile = srtp.ProtectionProfileAeadAes128Gcm
	key, salt := make([]byte, 16), make([]byte, 12)
	seal, err := newSealer(key, salt, profile)
	if err != nil {
		t.Fatal(err)
	}
	open, err := newOpener(key, salt, profile)
	if err != nil {
		t.Fatal(err)
	}
	if up, err = srtp.CreateContext(key, salt, profile); err != nil {
		t.Fatal(err)
	}
	at := path.Pair{Remote: conn.LocalAddr().(*net.UDPAddr).AddrPort(), Local: netip.MustParseAddr("127.0.0.1")}
	l.Path().mu.Lock()
	l.Path().engine.Switch(time.Now(), path.Switches{})
	l.Path().open(at)
	l.Path().mu.Unlock()
	l.mu.Lock()
	l.phase = connected
	l.mu.Unlock()
	l.out.Lock()
	l.out.seal, l.out.err = seal, nil
	l.warm.Store(seal)
	l.out.Unlock()
	l.in.Lock()
	l.in.open = open
	l.in.Unlock()
	l.open.Store(true)
	l.Path().route.Store(e.sock.newRoute(at))
	return l, conn, up
}
