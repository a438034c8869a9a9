package node

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/geo/dns"
	"github.com/atoll-mesh/atoll/geo/dns/zone"
	"github.com/atoll-mesh/atoll/node/config"
)

// TestADrainingNodeLeavesTheAnswers asks two nodes, of which one says that it drains: it keeps its own name.
func TestADrainingNodeLeavesTheAnswers(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(identity.NewSecret().Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(ip string, more ...string) *Node {
		cfg, err := config.Load(append([]string{
			"--http", ip + ":0", "--https", "off", "--turn", "off", "--admin", "off", "--media", ip + ":0", "--mesh", ip + ":0", "--dns", ip + ":0",
			"--domain", "meet.example.org", "--secret-file", secret, "--data", t.TempDir(),
		}, more...), nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Start(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := n.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
		return n
	}
	stays := run("127.0.0.5")
	drains := run("127.0.0.6", "--join", stays.mesh.Addr().String())
	answers := func(n *Node, name string) []netip.Addr {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		reply, _ := dns.Ask(ctx, "udp", n.dns.Addr(), name, zone.TypeA)
		return reply.Addresses
	}
	wait := func(what string, holds func() bool) {
		t.Helper()
		start := time.Now()
		for ; !holds(); time.Sleep(10 * time.Millisecond) {
			if time.Since(start) > patience {
				t.Fatalf("%s: not within %v", what, patience)
			}
		}
		t.Logf("%s: %v", what, time.Since(start))
	}
	for _, n := range []*Node{stays, drains} {
		wait("both are given", func() bool { return len(answers(n, "meet.example.org")) == 2 })
	}
	if err := drains.mesh.SetDraining(true); err != nil {
		t.Fatal(err)
	}
	only := []netip.Addr{netip.MustParseAddr("127.0.0.5")}
	for _, n := range []*Node{stays, drains} {
		begun := time.Now()
		wait("the draining one is in no answer", func() bool { return slices.Equal(answers(n, "meet.example.org"), only) })
		if took := time.Since(begun); took > 2*time.Second && !testing.Short() { // the bar of a machine that is not full
			t.Errorf("it is given for %v", took)
		}
		var own []netip.Addr
		wait("its own name is answered", func() bool { own = answers(n, string(drains.name)+".meet.example.org"); return len(own) > 0 })
		if !slices.Equal(own, []netip.Addr{netip.MustParseAddr("127.0.0.6")}) {
			t.Errorf("its own name: %v", own)
		}
	}
}
