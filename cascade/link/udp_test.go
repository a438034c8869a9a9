package link

import (
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// eventually waits on the real clock.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(time.Millisecond) // the real network has no other clock
	}
}

// TestSockets links two nodes over sockets of the system, by IPv4 and by IPv6, and ends without a trace.
func TestSockets(t *testing.T) {
	for name, c := range map[string]struct{ listen, reach string }{
		"IPv4":       {"127.0.0.1:0", "127.0.0.1"},
		"IPv6":       {"[::1]:0", "::1"},
		"both kinds": {":0", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			goroutines := runtime.NumGoroutine()
			r := &rig{t: t, net: simnet.New(1), secret: identity.NewSecret()}
			for range 2 {
				conn, err := net.ListenPacket("udp", c.listen)
				if err != nil {
					t.Skip(err)
				}
				at := netip.MustParseAddrPort(conn.LocalAddr().String())
				n := &node{rig: r, key: identity.NewKey(), secret: r.secret, addr: netip.AddrPortFrom(netip.MustParseAddr(c.reach), at.Port())}
				n.startOn(conn)
				r.nodes = append(r.nodes, n)
			}
			a, b := r.nodes[0], r.nodes[1]
			r.mesh(true, true)
			eventually(t, "links and media", func() bool {
				return a.linked(b) && b.linked(a) && a.report(b).Media && b.report(a).Media && a.report(b).Alive && b.report(a).Alive
			})
			big := strings.Repeat("x", 1258)
			const rounds = 50
			for i := range rounds {
				a.e.Send(b.name(), 1, wire.Claim{Room: "r"})
				eventually(t, "a packet there and one back", func() bool {
					a.e.SendMedia(b.name(), Video, []byte(big))
					b.e.SendMedia(a.name(), Audio, []byte("y"))
					return b.got() > i && b.heardMedia() > i && a.heardMedia() > i
				})
			}
			b.mu.Lock()
			if b.media[0] != big {
				t.Error("media arrived otherwise")
			}
			b.mu.Unlock()
			if s := a.e.Strangers(); s.Datagrams != 0 || s.Heartbeats != 0 {
				t.Errorf("%+v", s)
			}
			got := a.report(b)
			if gso := a.e.peer(b.name()).up.Load().conn.ConnectionState().GSO; !gso && runtime.GOOS == "linux" {
				t.Error("no segmentation offload: quic-go does not see what the socket can do")
			}
			t.Logf("round trip %v, least %v; %+v", got.RTT, got.MinRTT, got.Sent)
			if got.RTT <= 0 || got.Addr != b.addr {
				t.Errorf("%+v", got)
			}
			a.stop()
			b.stop()
			eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= goroutines })
		})
	}
}

// TestMixedBatch has heartbeats and packets of QUIC arrive together, so that they are read in one batch.
func TestMixedBatch(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	from, err := net.DialUDP("udp", nil, conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	second, err := net.DialUDP("udp", nil, conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	var beats []string
	s := newSocket(conn, func(_ netip.AddrPort, datagram []byte) { beats = append(beats, string(datagram)) }).(*udpSocket)
	for _, datagram := range []string{"\x01a", "Q1", "\x02bb", "", "Q22", "\x3fc", "Q333", "\x01d"} {
		by := from
		if len(datagram) > 2 {
			by = second
		}
		if _, err := by.Write([]byte(datagram)); err != nil {
			t.Fatal(err)
		}
	}
	messages := make([]ipv4.Message, 8)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, 1500)}
		messages[i].OOB = make([]byte, 128)
	}
	var quic []string
	for len(quic) < 3 {
		n, err := s.ReadBatch(messages, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages[:n] {
			quic = append(quic, string(m.Buffers[0][:m.N]))
			want := from
			if m.N > 2 {
				want = second
			}
			if m.Addr.String() != want.LocalAddr().String() {
				t.Errorf("from %v", m.Addr)
			}
		}
	}
	if strings.Join(quic, ",") != "Q1,Q22,Q333" || !strings.HasPrefix("\x01a,\x02bb,,\x3fc,\x01d", strings.Join(beats, ",")) || len(beats) < 4 {
		t.Errorf("QUIC %q, others %q", quic, beats)
	}
}
