package reach

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/geo/dns"
	"github.com/atoll-mesh/atoll/geo/place"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/tools/freeport"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// around is a cluster with one other node.
type around struct {
	addrs          []netip.Addr
	gossips, hears bool
}

func (a around) Addresses(identity.Name) []netip.Addr { return a.addrs }
func (a around) Gossips(identity.Name) bool           { return a.gossips }
func (a around) Hears(identity.Name) bool             { return a.hears }

func do(t *testing.T, c Cluster, from netip.Addr, probes ...Probe) []string {
	t.Helper()
	task, err := json.Marshal(Task{From: "ubiig7mfa4", Probes: probes})
	if err != nil {
		t.Fatal(err)
	}
	var done Done
	if err := json.Unmarshal(Do(t.Context(), c, from, task), &done); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range done.Results {
		all = append(all, r.Error)
	}
	if len(all) != len(probes) {
		t.Fatalf("%d results", len(all))
	}
	return all
}

// silent is a UDP port that nobody answers at, and what came to it.
func silent(t *testing.T) (netip.AddrPort, net.PacketConn) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return netip.MustParseAddrPort(conn.LocalAddr().String()), conn
}

func TestMediaIsReachedByAPathOfItsOwn(t *testing.T) {
	t.Parallel()
	e, err := edge.Listen(edge.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	way, err := e.Prepare(edge.Credentials{}, true)
	if err != nil {
		t.Fatal(err)
	}
	probe := Probe{Kind: ICE, Addr: e.Addr(), Ufrag: way.Local().Ufrag, Pwd: way.Local().Pwd}
	forged := probe
	forged.Pwd = "another password of 22 letters"
	if got := do(t, around{}, loopback, probe, forged); got[0] != "" || got[1] != "no answer" {
		t.Errorf("%q", got)
	}
	way.Close()
	if got := do(t, around{}, loopback, probe); got[0] != "no answer" {
		t.Errorf("without its path: %q", got)
	}
}

func TestTURNAndDNSAreAsked(t *testing.T) {
	t.Parallel()
	addr, conn := silent(t)
	go func() {
		b := make([]byte, 1500)
		for i := 0; ; i++ {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: append([]byte{}, b[:n]...)}
			if i == 0 || m.Decode() != nil { // the first is lost
				continue
			}
			reply, _ := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess, stun.Fingerprint)
			_, _ = conn.WriteTo([]byte("noise"), from)
			_, _ = conn.WriteTo(reply.Raw, from)
		}
	}()
	server, err := dns.Listen(dns.Config{
		Listen: "127.0.0.1:0", Domain: "meet.example.org", Log: slog.New(slog.DiscardHandler),
		Locate: func(netip.Prefix) (place.Client, int) { return place.Client{}, 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	got := do(t, around{}, loopback, Probe{Kind: STUN, Addr: addr}, Probe{Kind: DNS, Addr: server.Addr(), Name: "meet.example.org"},
		Probe{Kind: DNS, Addr: server.Addr(), Name: "example.com"})
	if got[0] != "" || got[1] != "" || !strings.Contains(got[2], "somebody else") {
		t.Errorf("%q", got)
	}
}

func TestWhatCannotBeReached(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	open := netip.MustParseAddrPort(l.Addr().String())
	closed := netip.MustParseAddrPort(freeport.Get(t))
	quiet, _ := silent(t)
	began := time.Now()
	got := do(t, around{hears: true}, loopback,
		Probe{Kind: TCP, Addr: open}, Probe{Kind: TCP, Addr: closed}, Probe{Kind: STUN, Addr: closed}, Probe{Kind: STUN, Addr: quiet},
		Probe{Kind: DNS, Addr: quiet, Name: "x.example"}, Probe{Kind: Gossip, Addr: open}, Probe{Kind: Link, Addr: open}, Probe{Kind: "telnet", Addr: open})
	want := []string{"", "connect: connection refused", "read: connection refused", "no answer", "no answer", "no answer", "", `no probe of kind "telnet"`}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) || want[i] == "" && got[i] != "" {
			t.Errorf("probe %d: %q, want %q", i, got[i], want[i])
		}
	}
	if took := time.Since(began); took > 2*probeTime {
		t.Errorf("it took %v", took)
	}
}

// TestOnlyWhoAsksIsTried is why the secret does not make a node a port scanner of its network.
func TestOnlyWhoAsksIsTried(t *testing.T) {
	addr, conn := silent(t)
	other := netip.MustParseAddr("192.0.2.77")
	for _, ip := range []string{"127.0.0.1", "::ffff:127.0.0.1"} {
		if got := do(t, around{}, other, Probe{Kind: STUN, Addr: netip.AddrPortFrom(netip.MustParseAddr(ip), addr.Port())}); got[0] != "not an address of who asks" {
			t.Errorf("%s: %q", ip, got)
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, _, err := conn.ReadFrom(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes came", n)
	}
	if got := do(t, around{addrs: []netip.Addr{loopback}}, other, Probe{Kind: TCP, Addr: addr}); strings.Contains(got[0], "not an address") {
		t.Errorf("an address that it says of itself: %q", got)
	}
}

// FuzzTask is asked what it likes, of nobody.
func FuzzTask(f *testing.F) {
	f.Add([]byte(`{"from":"ubiig7mfa4","probes":[{"kind":"tcp","addr":"192.0.2.1:80"},{"kind":"ice","addr":"[2001:db8::1]:10000","ufrag":"a","pwd":"b"}]}`))
	f.Add([]byte(`{"probes":[{}]}`))
	f.Fuzz(func(t *testing.T, task []byte) {
		answer := Do(t.Context(), around{}, netip.Addr{}, task)
		if answer == nil {
			return
		}
		var done Done
		if err := json.Unmarshal(answer, &done); err != nil || len(done.Results) > mostProbes {
			t.Fatalf("%v: %s", err, answer)
		}
	})
}
