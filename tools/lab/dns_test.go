//go:build lab && linux

package lab_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// ordered is one line of the committed table: an address, and the nodes in the order in which it is sent to them.
type ordered struct {
	addr  netip.Addr
	nodes []string
}

// orderTable returns where the nodes are and the table.
func orderTable(t *testing.T) (locations map[string]string, table []ordered) {
	t.Helper()
	text, err := os.ReadFile("../../geo/place/testdata/order.txt")
	if err != nil {
		t.Fatal(err)
	}
	locations = map[string]string{}
	for line := range strings.Lines(string(text)) {
		switch fields := strings.Fields(line); {
		case len(fields) == 0 || fields[0] == "#":
		case fields[0] == "node":
			locations[fields[1]] = fields[2]
		default:
			table = append(table, ordered{netip.MustParseAddr(fields[0]), fields[2:]})
		}
	}
	if len(locations) != 3 || len(table) != 20 {
		t.Fatalf("%d nodes and %d addresses in the table", len(locations), len(table))
	}
	return locations, table
}

const zoneName = "meet.example.org"

// kdig asks a node from its own host and returns the addresses of the answer.
func kdig(ctx context.Context, host *lab.Namespace, args ...string) ([]string, error) {
	out, err := host.Run(ctx, append([]string{"kdig", "+short", "+time=3", "+retry=1"}, args...)...)
	return strings.Fields(out), err
}

// TestDNS is the geo-DNS of three real nodes, asked with a client of another implementation.
func TestDNS(t *testing.T) {
	locations, table := orderTable(t)
	topology := lab.Mesh()
	topology.Seed = 1
	l := lab.New(t, topology)
	c, err := l.Cluster(program(t))
	if err != nil {
		t.Fatal(err)
	}
	regions := []string{"eu", "us", "ap"}
	region := map[string]string{} // by address
	for _, name := range regions {
		if _, err := c.Start(name, "--domain", zoneName, "--https", "off", "--dns", ":53", "--location", locations[name]); err != nil {
			t.Fatal(err)
		}
		region[l.Node(name).Addr().String()] = name
	}
	names := func(addresses []string) (all []string) {
		for _, a := range addresses {
			all = append(all, region[a])
		}
		return all
	}
	if err := lab.Eventually(t.Context(), 15*time.Second, func(ctx context.Context) error {
		for _, name := range regions {
			host := l.Node(name)
			if got, err := kdig(ctx, host, "@"+host.Addr().String(), zoneName, "A"); err != nil || len(got) != 3 {
				return fmt.Errorf("%s answers %v, %v", name, got, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	for _, name := range regions {
		host := l.Node(name)
		for _, one := range table { // the asker's own address, which only its host knows
			if _, err := host.Run(t.Context(), "ip", "addr", "add", one.addr.String(), "dev", "lo"); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range table {
			at, network := host.Addr(), fmt.Sprintf("%v/24", one.addr)
			if one.addr.Is6() {
				at, network = host.Addr6(), fmt.Sprintf("%v/48", one.addr)
			}
			for how, args := range map[string][]string{
				"by its own address":          {"-b", one.addr.String(), "@" + at.String()},
				"by its network":              {"+subnet=" + network, "@" + at.String()},
				"by its network, from Berlin": {"-b", "141.20.1.1", "+subnet=" + network, "@" + host.Addr().String()},
			} {
				got, err := kdig(t.Context(), host, append(args, zoneName, "A")...)
				if err != nil || !slices.Equal(names(got), one.nodes) {
					t.Errorf("%s says of %v %s: %v %v (%v), want %v", name, one.addr, how, names(got), got, err, one.nodes)
				}
			}
		}
	}
	if t.Failed() {
		return
	}

	gone := func(ctx context.Context, left ...string) error {
		for _, name := range left {
			host := l.Node(name)
			for _, question := range [][]string{{zoneName, "A"}, {"_atoll._udp." + zoneName, "SRV"}, {zoneName, "NS"}} {
				got, err := kdig(ctx, host, append([]string{"@" + host.Addr().String()}, question...)...)
				if err != nil {
					return err
				}
				if entries := len(got) / map[string]int{"A": 1, "SRV": 4, "NS": 1}[question[1]]; entries != len(left) {
					return fmt.Errorf("%s still answers %v to %v", name, got, question)
				}
			}
		}
		return nil
	}
	begun := time.Now()
	c.Member("ap").Kill()
	if err := lab.Eventually(t.Context(), 5*time.Second, func(ctx context.Context) error { return gone(ctx, "eu", "us") }); err != nil {
		t.Fatalf("a node was killed: %v", err)
	}
	t.Logf("killed: in no answer after %.1f s", time.Since(begun).Seconds())
	if out, err := l.Node("eu").Run(t.Context(), "kdig", "@"+l.Node("eu").Addr().String(), c.Member("ap").Name+"."+zoneName, "A"); err != nil || !strings.Contains(out, "NXDOMAIN") {
		t.Errorf("its own name: %v\n%s", err, out)
	}

	out, err := l.Node("eu").Run(t.Context(), program(t), "doctor")
	if err == nil || !strings.Contains(out, "ok    ports        dns UDP") || !strings.Contains(out, "ok    ports        media UDP") {
		t.Errorf("the doctor: %v\n%s", err, out) // it fails for the domain, which nobody delegates
	}
}
