package zone

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/geo/place"
)

const domain = "meet.example.org"

func node(name string, since uint64, ips ...string) Node {
	n := Node{Node: place.Node{Name: name, Region: "r-" + name, Oldest: 1, Newest: 2}, Mesh: 7946, NameServer: true, Since: since}
	for _, text := range ips {
		if ip := netip.MustParseAddr(text); ip.Is4() {
			n.IPv4 = append(n.IPv4, ip)
		} else {
			n.IPv6 = append(n.IPv6, ip)
		}
	}
	return n
}

// at puts a node on the globe.
func at(n Node, lat, lon float64) Node {
	n.Location, n.Located = place.Location{Lat: lat, Lon: lon}, true
	return n
}

// four are two nodes in Europe, of which one has no IPv4, one in America and one in Asia.
func four() []Node {
	return []Node{
		at(node("eu", 10, "192.0.2.1", "2001:db8::1"), 50, 8),
		at(node("fr", 20, "2001:db8::2"), 48, 2),
		at(node("us", 5, "192.0.2.3", "192.0.2.33"), 39, -77),
		at(node("ap", 30, "192.0.2.4", "2001:db8::4"), 1, 104),
	}
}

func berlin() (place.Client, int) {
	return place.Client{Location: place.Location{Lat: 52, Lon: 13}, Located: true}, 16
}

func ask(z *Zone, name string, kind uint16) Answer {
	return z.Answer(Question{Labels: strings.Split(name, "."), Type: kind}, berlin)
}

// show writes an answer as lines: code, scope, then section and record.
func show(a Answer) []string {
	lines := []string{fmt.Sprintf("%d/%d", a.Code, a.Scope)}
	for _, section := range []struct {
		letter  string
		records []Record
	}{{"", a.Answer}, {"authority ", a.Authority}, {"additional ", a.Additional}} {
		for _, r := range section.records {
			text := section.letter
			if r.Name != "" {
				text += r.Name + " "
			}
			text += map[uint16]string{TypeA: "A", TypeAAAA: "AAAA", TypeNS: "NS", TypeSOA: "SOA", TypeSRV: "SRV", TypeTXT: "TXT", TypeHINFO: "HINFO"}[r.Type]
			switch r.Type {
			case TypeA, TypeAAAA:
				text += " " + r.Addr.String()
			case TypeNS:
				text += " " + r.Target
			case TypeSRV:
				text += fmt.Sprintf(" %d %d %s", r.Order, r.Port, r.Target)
			case TypeSOA:
				text += fmt.Sprintf(" %s %s %d ttl %d", r.Target, r.Text, r.Serial, r.TTL)
			case TypeTXT:
				text += " " + r.Text
			}
			lines = append(lines, text)
		}
	}
	return lines
}

const negative = "authority meet.example.org SOA us.meet.example.org hostmaster.meet.example.org 7 ttl 10"

func TestAnswers(t *testing.T) {
	z := New(domain, 7, four())
	cases := map[string]struct {
		name string
		kind uint16
		want []string
	}{
		"the domain, IPv4, nearest first": {domain, TypeA, []string{"0/16", "A 192.0.2.1", "A 192.0.2.3", "A 192.0.2.4"}},
		"the domain, IPv6":                {domain, TypeAAAA, []string{"0/16", "AAAA 2001:db8::1", "AAAA 2001:db8::2", "AAAA 2001:db8::4"}},
		"SOA":                             {domain, TypeSOA, []string{"0/0", "SOA us.meet.example.org hostmaster.meet.example.org 7 ttl 300"}},
		"NS, the oldest first, with glue": {domain, TypeNS, []string{
			"0/0", "NS us.meet.example.org", "NS eu.meet.example.org", "NS fr.meet.example.org", "NS ap.meet.example.org",
			"additional us.meet.example.org A 192.0.2.3", "additional us.meet.example.org A 192.0.2.33",
			"additional eu.meet.example.org A 192.0.2.1", "additional eu.meet.example.org AAAA 2001:db8::1",
			"additional fr.meet.example.org AAAA 2001:db8::2",
			"additional ap.meet.example.org A 192.0.2.4", "additional ap.meet.example.org AAAA 2001:db8::4",
		}},
		"TXT":                       {domain, TypeTXT, []string{"0/0", "TXT atoll nodes=4"}},
		"ANY":                       {domain, TypeANY, []string{"0/0", "HINFO"}},
		"a type that is not there":  {domain, 15, []string{"0/0", negative}},
		"a node":                    {"us.meet.example.org", TypeA, []string{"0/0", "A 192.0.2.3", "A 192.0.2.33"}},
		"a node without the family": {"us.meet.example.org", TypeAAAA, []string{"0/0", negative}},
		"a node's region":           {"ap.meet.example.org", TypeTXT, []string{"0/0", "TXT region=r-ap"}},
		"a node, ANY":               {"ap.meet.example.org", TypeANY, []string{"0/0", "HINFO"}},
		"no such node":              {"xx.meet.example.org", TypeA, []string{"3/0", negative}},
		"no such node, ANY":         {"xx.meet.example.org", TypeANY, []string{"3/0", negative}},
		"below a node":              {"a.us.meet.example.org", TypeA, []string{"3/0", negative}},
		"XMPP only":                 {"conference.meet.example.org", TypeA, []string{"3/0", negative}},
		"between":                   {"_udp.meet.example.org", TypeSRV, []string{"0/0", negative}},
		"joining, other type":       {"_atoll._udp.meet.example.org", TypeA, []string{"0/0", negative}},
		"beside joining":            {"_xmpp._udp.meet.example.org", TypeSRV, []string{"3/0", negative}},
		"a transfer":                {domain, TypeAXFR, []string{"5/0"}},
		"an incremental transfer":   {domain, TypeIXFR, []string{"5/0"}},
		"above":                     {"example.org", TypeA, []string{"5/0"}},
		"beside":                    {"xmeet.example.org", TypeA, []string{"5/0"}},
		"the root":                  {"", TypeNS, []string{"5/0"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, show(ask(z, c.name, c.kind))); diff != "" {
				t.Error(diff)
			}
		})
	}
	if a := z.Answer(Question{Labels: []string{"x.meet", "example", "org"}, Type: TypeA}, berlin); a.Code != Refused {
		t.Errorf("a name with a dot inside a label: %+v", a)
	}
}

func TestSRVNamesLiveNodesWithTheirMeshPort(t *testing.T) {
	nodes := four()
	nodes[2].Mesh, nodes[3].Mesh, nodes[1].Dead = 1234, 0, true
	want := []string{
		"0/0", "SRV 0 1234 us.meet.example.org", "SRV 1 7946 eu.meet.example.org",
		"additional us.meet.example.org A 192.0.2.3", "additional us.meet.example.org A 192.0.2.33",
		"additional eu.meet.example.org A 192.0.2.1", "additional eu.meet.example.org AAAA 2001:db8::1",
	}
	if diff := cmp.Diff(want, show(ask(New(domain, 7, nodes), "_atoll._udp."+domain, TypeSRV))); diff != "" {
		t.Error(diff)
	}
}

func TestTheDrainingKeepTheirOwnNameOnly(t *testing.T) {
	nodes := four()
	nodes[0].Draining = true
	z := New(domain, 7, nodes)
	for _, kind := range []uint16{TypeA, TypeAAAA, TypeNS, TypeSRV} {
		for _, name := range []string{domain, "_atoll._udp." + domain} {
			if text := strings.Join(show(ask(z, name, kind)), "\n"); strings.Contains(text, "eu.") || strings.Contains(text, "192.0.2.1\n") || strings.Contains(text, "::1\n") {
				t.Errorf("%s %d: %s", name, kind, text)
			}
		}
	}
	if got := show(ask(z, "eu."+domain, TypeA)); !slices.Equal(got, []string{"0/0", "A 192.0.2.1"}) {
		t.Errorf("its own name: %q", got)
	}
	for i := range nodes {
		nodes[i].Draining = true
	}
	if got := show(ask(New(domain, 7, nodes), domain, TypeA)); len(got) != 4 {
		t.Errorf("all of them drain: %q", got)
	}
}

func TestTheDeadAreNowhere(t *testing.T) {
	nodes := four()
	nodes[2].Dead = true
	z := New(domain, 7, nodes)
	if got := show(ask(z, domain, TypeA)); !slices.Equal(got, []string{"0/16", "A 192.0.2.1", "A 192.0.2.4"}) {
		t.Errorf("%q", got)
	}
	if a := ask(z, "us."+domain, TypeA); a.Code != NotThere {
		t.Errorf("its own name: %+v", a)
	}
}

// TestInvariants draws clusters and questions.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var nodes []Node
		for i := range rapid.IntRange(0, 12).Draw(t, "nodes") {
			n := node(fmt.Sprintf("n%d", i), rapid.Uint64Range(0, 5).Draw(t, "since"))
			if rapid.Bool().Draw(t, "v4") {
				n.IPv4 = []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})}
			}
			if rapid.Bool().Draw(t, "v6") {
				n.IPv6 = []netip.Addr{netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)})}
			}
			n.Dead, n.Draining, n.NameServer = rapid.Bool().Draw(t, "dead"), rapid.Bool().Draw(t, "drain"), rapid.Bool().Draw(t, "server")
			nodes = append(nodes, n)
		}
		z := New(domain, 1, nodes)
		below := rapid.SampledFrom([]string{"", "n0.", "n1.", "n2.", "_udp.", "_atoll._udp.", "x.", "x.n0."}).Draw(t, "name")
		kind := rapid.SampledFrom([]uint16{TypeA, TypeAAAA, TypeNS, TypeSOA, TypeSRV, TypeTXT, TypeANY, 15, 43}).Draw(t, "type")
		a := ask(z, below+domain, kind)
		dead := map[netip.Addr]bool{}
		for _, n := range nodes {
			for _, ip := range slices.Concat(n.IPv4, n.IPv6) {
				dead[ip] = n.Dead
			}
		}
		for _, r := range slices.Concat(a.Answer, a.Authority, a.Additional) {
			if dead[r.Addr] {
				t.Fatalf("%s of a dead node", r.Addr)
			}
		}
		if !a.Authoritative || (len(a.Answer) == 0) != (len(a.Authority) == 1) {
			t.Fatalf("an answer without records has one SOA: %+v", a)
		}
		if a.Code == NotThere && len(a.Answer) > 0 {
			t.Fatalf("records of a name that is not there: %+v", a)
		}
		if a.Scope != 0 && (below != "" || kind != TypeA && kind != TypeAAAA) {
			t.Fatalf("%s %d depends on the client", below, kind)
		}
		if below == "" && kind == TypeA {
			alive := slices.ContainsFunc(nodes, func(n Node) bool { return !n.Dead && !n.Draining })
			some := slices.ContainsFunc(nodes, func(n Node) bool { return !n.Dead && len(n.IPv4) > 0 && (!alive || !n.Draining) })
			if some != (len(a.Answer) > 0) || len(a.Answer) > 3 {
				t.Fatalf("%d addresses", len(a.Answer))
			}
		}
	})
}
