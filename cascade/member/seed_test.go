package member

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/atoll-mesh/atoll/tools/simnet"
)

// book is a resolver that can be written to.
type book struct {
	mu       sync.Mutex
	hosts    map[string][]netip.Addr
	services map[string][]*net.SRV
	asked    int
}

func (b *book) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if found := b.hosts[host]; len(found) > 0 && network == "ip" {
		return found, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (b *book) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if found := b.services["_"+service+"._"+proto+"."+name]; len(found) > 0 {
		return "", found, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (b *book) write(host string, addrs ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts[host] = nil
	for _, a := range addrs {
		b.hosts[host] = append(b.hosts[host], netip.MustParseAddr(a))
	}
}

func newBook() *book {
	return &book{hosts: map[string][]netip.Addr{}, services: map[string][]*net.SRV{}}
}

func TestJoinByService(t *testing.T) {
	in(t, 1, func(w *world) {
		names := newBook()
		names.services["_atoll._udp.meet.example"] = []*net.SRV{
			{Target: "gone.meet.example.", Port: 7946}, {Target: "one.meet.example.", Port: 7999},
		}
		names.write("one.meet.example.", "10.0.1.1")
		names.write("meet.example", "192.0.2.1") // not asked for when there are services
		a, b := w.prepare("10.0.1.1"), w.prepare("10.0.2.1")
		a.start(func(c *Config) { c.Bind = ":7999" })
		b.start(func(c *Config) { c.Join, c.Resolver = []string{"meet.example"}, names })
		w.within(5*time.Second, "one cluster", one(a, b))
		if got := w.net.Strays(); got > 0 {
			t.Errorf("%d packets to the wrong address", got)
		}
	})
}

func TestJoinByNameIsResolvedAnew(t *testing.T) {
	in(t, 1, func(w *world) {
		names := newBook()
		names.write("meet.example", "10.0.9.9")
		w.net.Host("10.0.9.9")
		a, b := w.add(), w.prepare("10.0.2.1")
		b.start(func(c *Config) { c.Join, c.Resolver = []string{"meet.example", "nowhere.example:1"}, names })
		time.Sleep(10 * time.Minute)
		if got := b.lines.with("does not answer"); len(got) < 10 || len(got) > 11 {
			t.Errorf("%d lines in ten minutes: %q", len(got), got)
		}
		names.write("meet.example", "10.0.1.1")
		w.within(8*time.Second, "one cluster", one(a, b))
	})
}

func TestSeedsAreRead(t *testing.T) {
	for text, want := range map[string]seed{
		"192.0.2.1":        {ip: netip.MustParseAddr("192.0.2.1"), port: 7946},
		" 192.0.2.1:1 ":    {ip: netip.MustParseAddr("192.0.2.1"), port: 1},
		"2001:db8::1":      {ip: netip.MustParseAddr("2001:db8::1"), port: 7946},
		"[2001:db8::1]":    {ip: netip.MustParseAddr("2001:db8::1"), port: 7946},
		"[2001:db8::1]:2":  {ip: netip.MustParseAddr("2001:db8::1"), port: 2},
		"::ffff:192.0.2.1": {ip: netip.MustParseAddr("192.0.2.1"), port: 7946},
		"meet.example":     {host: "meet.example"},
		"meet.example:80":  {host: "meet.example", port: 80},
	} {
		got, err := parseSeed(text)
		want.text = text
		if want.ip.IsValid() {
			got.host = ""
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(seed{}), cmpopts.EquateComparable(netip.Addr{})); err != nil || d != "" {
			t.Errorf("%q: %v %s", text, err, d)
		}
	}
	for _, text := range []string{"", " ", ":7946", "a:0", "a:65536", "a:b", "a b", "http://a", "a:1:2", "[::1"} {
		if got, err := parseSeed(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
	if _, err := parseSeeds(make([]string, mostSeeds+1)); err == nil {
		t.Error("too many seeds")
	}
}

func TestSeedsHaveBoundedAddresses(t *testing.T) {
	names := newBook()
	var many []string
	for i := range 100 {
		many = append(many, netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}).String())
	}
	names.write("meet.example", append(many, "0.0.0.0", "10.0.0.1", "224.0.0.1")...)
	s := seed{host: "meet.example"}
	got, err := s.resolve(t.Context(), names)
	if err != nil || len(got) != mostPerSeed || !slices.Contains(got, addrPort("10.0.0.1:7946")) {
		t.Errorf("%v, %v", got, err)
	}
	names.write("meet.example", "0.0.0.0", "224.0.0.1", "10.0.0.1", "10.0.0.1")
	if got, err = s.resolve(t.Context(), names); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	var notFound *net.DNSError
	if _, err = (seed{host: "nowhere.example"}).resolve(t.Context(), names); !errors.As(err, &notFound) {
		t.Errorf("%v", err)
	}
}

func TestOwnAddressIsNoSeed(t *testing.T) {
	in(t, 1, func(w *world) {
		n := w.add("10.0.1.1")
		time.Sleep(time.Minute)
		if s := w.net.Stats(n.host, n.host); s.Sent > 0 {
			t.Errorf("sent %d packets to itself", s.Sent)
		}
	})
}

func TestWrongSeedIsNoStart(t *testing.T) {
	in(t, 1, func(w *world) {
		n := w.prepare("10.0.1.1")
		if _, err := Start(n.config(func(c *Config) { c.Join = []string{"a:b"} })); err == nil {
			t.Error("no error")
		}
		if _, err := Start(n.config(func(c *Config) { c.Self.Region = "\n" })); err == nil {
			t.Error("no error")
		}
		n.start(nil) // the port is free
	})
}

// TestSeedBehindAnotherAddress joins a member by an address that it does not advertise: that is done now and then, not always.
func TestSeedBehindAnotherAddress(t *testing.T) {
	in(t, 1, func(w *world) {
		a := w.prepare("10.0.1.1")
		a.host = w.net.Host("10.50.0.1", "10.50.0.2")
		a.start(nil)
		b := w.add("10.50.0.2")
		w.within(5*time.Second, "one cluster", one(a, b))
		if m, _ := b.member(a.name()); m.Addr != addrPort("10.50.0.1:7946") {
			t.Errorf("it is at %v", m.Addr)
		}
		dials := &counting{Network: simnet.Sockets{Host: b.host}}
		b.stop()
		b.start(func(c *Config) { c.Network, c.Join = dials, []string{"10.50.0.2"} })
		time.Sleep(10 * time.Minute)
		if got := dials.to("10.50.0.2:7946"); got < 20 || got > 45 {
			t.Errorf("%d dials in ten minutes", got)
		}
	})
}

// counting counts dials.
type counting struct {
	Network
	mu    sync.Mutex
	dials []string
}

func (c *counting) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	c.dials = append(c.dials, address)
	c.mu.Unlock()
	return c.Network.DialContext(ctx, network, address)
}

func (c *counting) to(address string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.dials {
		if d == address {
			n++
		}
	}
	return n
}
