//go:build lab && linux

package lab_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// forwarded is a router that shows one host as 203.0.113.5, and lets in what gossip, links and the page need; media it forgets.
const forwarded = `table ip lab {
	chain in {
		type nat hook prerouting priority -100
		ip daddr 203.0.113.5 tcp dport { 7946, 8080 } dnat to %[1]s
		ip daddr 203.0.113.5 udp dport { 53, 7946, 7947 } dnat to %[1]s
		ip daddr 203.0.113.5 tcp dport 53 dnat to %[1]s
	}
	chain out {
		type nat hook postrouting priority 100
		ip saddr %[1]s snat to 203.0.113.5
	}
}
`

// TestBehindAPortForward is a node that knows only its private address: the cluster tells it the public one, and which of its ports
// nobody can reach.
func TestBehindAPortForward(t *testing.T) {
	l := lab.New(t, lab.Topology{Regions: []lab.Region{{Name: "eu", Nodes: 2}}, Seed: 1})
	first, second := l.Nodes("eu")[0], l.Nodes("eu")[1]
	if _, err := l.Router("eu").Run(t.Context(), "nft", fmt.Sprintf(forwarded, second.Addr())); err != nil {
		t.Fatal(err)
	}
	c, err := l.Cluster(program(t))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := c.Start("eu", "--domain", zoneName, "--https", "off", "--dns", ":53")
	if err != nil {
		t.Fatal(err)
	}
	p, err := second.Start("atoll", program(t), "run", "--region", "home", "--https", "off", "--dns", ":53", "--admin", "127.0.0.1:9090",
		"--secret-file", l.Folder("cluster")+"/secret", "--data", l.Folder("home"), "--join", first.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	log := func(texts ...string) func(context.Context) error {
		return func(context.Context) error {
		lines:
			for line := range strings.Lines(p.Log()) {
				for _, text := range texts {
					if !strings.Contains(line, text) {
						continue lines
					}
				}
				return nil
			}
			return fmt.Errorf("no line with %q in\n%s", texts, p.Log())
		}
	}
	for _, texts := range [][]string{
		{"the public address is the one that other nodes see", "203.0.113.5"},
		{"another node reaches this port", `"port":"http TCP"`, "203.0.113.5:8080", seed.Name},
		{"another node reaches this port", `"port":"mesh UDP"`},
		{"another node reaches this port", `"port":"mesh links UDP"`},
		{"another node reaches this port", `"port":"dns UDP"`},
		{"another node cannot reach this port", `"port":"media UDP"`, "203.0.113.5:10000", "--media"},
	} {
		if err := p.Ready(20*time.Second, log(texts...)); err != nil {
			t.Fatal(err)
		}
	}
	status, err := seed.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range status.Members {
		if m.Name == seed.Name {
			continue
		}
		if m.Address != "203.0.113.5:7946" || m.State != "alive" {
			t.Errorf("the cluster knows it as %+v", m)
		}
		if got, err := kdig(t.Context(), first, "@"+first.Addr().String(), m.Name+"."+zoneName, "A"); err != nil || len(got) != 1 || got[0] != "203.0.113.5" {
			t.Errorf("its name leads to %v, %v", got, err)
		}
	}
}
