package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// serve runs a server on loopback until the test ends; its goroutines must have ended then.
func serve(t *testing.T) *Server {
	t.Helper()
	before := runtime.NumGoroutine()
	s, err := Listen(Config{Listen: "127.0.0.1:0", Domain: domain, Name: "eu", Locate: locate, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Set(three())
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
				return
			}
		}
	})
	return s
}

// over asks by a network and fails the test when there is no answer.
func over(t *testing.T, network string, s *Server, m *dns.Msg) *dns.Msg {
	t.Helper()
	client := dns.Client{Net: network, Timeout: 5 * time.Second}
	reply, _, err := client.Exchange(m, s.Addr().String())
	if err != nil {
		t.Fatalf("%s: %v", network, err)
	}
	return reply
}

func TestServesBothByUDPAndTCP(t *testing.T) {
	s := serve(t)
	for _, network := range []string{"udp", "tcp"} {
		if got := addresses(over(t, network, s, subnet(question(domain+".", dns.TypeA), "198.51.100.0/24"))); got != "192.0.2.3 192.0.2.1 192.0.2.2" {
			t.Errorf("%s: %s", network, got)
		}
	}
	s.Set(three()[1:])
	if got := addresses(over(t, "udp", s, subnet(question(domain+".", dns.TypeA), "203.0.113.0/24"))); got != "192.0.2.2 192.0.2.3" {
		t.Errorf("after a node is gone: %s", got)
	}
}

func TestTheSerialGrowsWithEveryChangeOnly(t *testing.T) {
	s := quiet(three())
	serial := func() uint32 {
		soa, ok := exchange(t, s, question(domain+".", dns.TypeSOA), false).Answer[0].(*dns.SOA)
		if !ok {
			t.Fatal("no SOA")
		}
		return soa.Serial
	}
	first := serial()
	s.Set(three())
	if got := serial(); got != first {
		t.Errorf("%d after %d without a change", got, first)
	}
	s.Set(three()[:2])
	s.Set(three())
	if got := serial(); got < first+2 {
		t.Errorf("%d after %d and two changes", got, first)
	}
}

func TestOneTCPConnectionTakesManyQuestions(t *testing.T) {
	s := serve(t)
	conn, err := dns.DialTimeout("tcp", s.Addr().String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for i := range mostQuestions + 1 {
		m := question(domain+".", dns.TypeSOA)
		err := conn.WriteMsg(m)
		var reply *dns.Msg
		if err == nil {
			reply, err = conn.ReadMsg()
		}
		if i == mostQuestions {
			if err == nil {
				t.Error("one question more is answered")
			}
			return
		}
		if err != nil || reply.Id != m.Id {
			t.Fatalf("question %d: %v", i, err)
		}
	}
}

// TestIdleConnectionsGiveWay opens more connections of one network than it may have.
func TestIdleConnectionsGiveWay(t *testing.T) {
	s := serve(t)
	var idle []net.Conn
	for range mostOfNetwork + 4 {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		idle = append(idle, conn)
		over(t, "tcp", s, question(domain+".", dns.TypeSOA)) // the server has taken conn by then
	}
	for i, conn := range idle {
		wait := 50 * time.Millisecond
		if i < 4 { // these end
			wait = 5 * time.Second
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		_, err := conn.Read(make([]byte, 1))
		var timeout net.Error
		// Those of over count too, for as long as the server has not seen their end.
		if open := errors.As(err, &timeout) && timeout.Timeout(); i < 4 && open || i >= len(idle)-8 && !open {
			t.Errorf("connection %d: %v", i, err)
		}
	}
	if got := s.Stats().Evicted; got < 4 {
		t.Errorf("%d evicted", got)
	}
}

func TestGarbageHarmsNobody(t *testing.T) {
	s := serve(t)
	random := rand.NewChaCha8([32]byte{1})
	udp, err := net.Dial("udp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	b := make([]byte, 1200)
	for i := range 5000 {
		_, _ = random.Read(b)
		_, _ = udp.Write(b[:1+i%len(b)])
	}
	for i := range 50 {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = random.Read(b)
		if i%2 == 0 { // a length that is kept
			binary.BigEndian.PutUint16(b, uint16(len(b)-2))
		}
		_, _ = conn.Write(b)
		if i%3 == 0 {
			_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, _ = io.Copy(io.Discard, conn)
		}
		_ = conn.Close()
	}
	if got := addresses(over(t, "tcp", s, question(domain+".", dns.TypeA))); got == "" {
		t.Error("no answer after garbage")
	}
	if s.Stats().Garbage == 0 {
		t.Error("no garbage is counted")
	}
}

func TestListenNamesWhatIsTaken(t *testing.T) {
	s := serve(t)
	if other, err := Listen(Config{Listen: s.Addr().String(), Domain: domain, Locate: locate}); err == nil {
		_ = other.Close()
		t.Error("the port is shared")
	}
}

func BenchmarkAnswer(b *testing.B) {
	s := quiet(three())
	raw, _ := subnet(question(domain+".", dns.TypeA), "198.51.100.0/24").Pack()
	b.ReportAllocs()
	for b.Loop() {
		if s.answer(noon, raw, resolver, false) == nil {
			b.Fatal("no answer")
		}
	}
}

// TestJoiningByName looks the nodes to join up as Go's own resolver does: this is how a node joins by the domain alone.
func TestJoiningByName(t *testing.T) {
	s := serve(t)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, s.Addr().String())
	}}
	_, services, err := resolver.LookupSRV(t.Context(), "atoll", "udp", domain)
	if err != nil || len(services) != 3 || services[0].Target != "eu.meet.example.org." || services[0].Port != 7946 {
		t.Fatalf("%+v, %v", services, err)
	}
	found, err := resolver.LookupNetIP(t.Context(), "ip", services[0].Target)
	if err != nil || len(found) != 2 {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := resolver.LookupNetIP(t.Context(), "ip", "nobody."+domain+"."); err == nil {
		t.Error("nobody is found")
	}
}
