package mesh

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/member"
)

// TestStanding is two nodes on real sockets: what one says of itself reaches the other, and when it goes without a word heartbeats
// say so before gossip does.
func TestStanding(t *testing.T) {
	loopback, secret := netip.MustParseAddr("127.0.0.1"), identity.NewSecret()
	start := func(url string, join ...string) *Mesh {
		m, err := Start(Config{
			Network: member.Sockets{}, Host: loopback.String(), Key: identity.NewKey(), Secret: secret, Location: [2]float64{50.1, -8.7}, Located: true,
			URL: url, DNS: true, Advertise: []netip.Addr{loopback}, Join: join, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a := start("http://a:8080")
	defer func() { _ = a.Close() }()
	b := start("http://b:8080", a.Addr().String())
	of := func(name identity.Name) member.Member {
		for _, one := range a.Standing() {
			if one.Name == name {
				return one
			}
		}
		return member.Member{}
	}
	within(t, 10*time.Second, "they know each other", func() bool {
		m := of(b.Name())
		return m.URL == "http://b:8080" && m.State == member.Alive && m.Located && m.Lat == 5010 && m.Lon == -870 && m.DNS
	})
	if self := of(a.Name()); !self.Self || self.State != member.Alive {
		t.Errorf("the node itself is %+v", self)
	}
	for _, load := range []uint8{loadStep, 100, 100 + loadStep - 1} {
		if err := b.SetLoad(load); err != nil {
			t.Fatal(err)
		}
	}
	within(t, 10*time.Second, "the load is known", func() bool { return of(b.Name()).Load == 100 })

	// A crash: nothing is said any more.
	b.links.Close()
	b.list.Close()
	within(t, 5*time.Second, "its heartbeats are missed", func() bool { return of(b.Name()).State == member.Dead })
	_ = b.Close()
}
