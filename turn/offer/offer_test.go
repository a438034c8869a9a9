package offer

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

func node(name string, rtt time.Duration, addresses ...string) Node {
	n := Node{Name: name, RTT: rtt, TURN: 3478}
	for _, a := range addresses {
		n.Addresses = append(n.Addresses, netip.MustParseAddr(a))
	}
	return n
}

func own() Node {
	n := node("own", 0, "192.0.2.1")
	n.Self = true
	return n
}

func names(all []Node) (names []string) {
	for _, n := range all {
		names = append(names, n.Name)
	}
	return names
}

func TestOrder(t *testing.T) {
	far, near, next := node("far", 150*ms, "192.0.2.4"), node("near", 80*ms, "192.0.2.2"), node("next", 90*ms, "192.0.2.3")
	draining, silent, without := node("draining", ms, "192.0.2.5"), node("silent", 0, "192.0.2.6"), node("without", ms, "192.0.2.7")
	draining.Drain, without.TURN = true, 0
	edge := node("edge", Near, "192.0.2.8")
	off := own()
	off.TURN = 0
	for name, c := range map[string]struct {
		all  []Node
		want []string
	}{
		"alone":                      {[]Node{own()}, []string{"own"}},
		"the nearest other first":    {[]Node{far, next, own(), near}, []string{"near", "own"}},
		"a far one second":           {[]Node{own(), far}, []string{"own", "far"}},
		"at the edge":                {[]Node{own(), edge}, []string{"edge", "own"}},
		"who drains is left out":     {[]Node{draining, own()}, []string{"own"}},
		"who is silent is left out":  {[]Node{silent, own()}, []string{"own"}},
		"who has none is left out":   {[]Node{without, own()}, []string{"own"}},
		"own one is off":             {[]Node{off, far, next, near}, []string{"near", "next"}},
		"nobody":                     {nil, nil},
		"the same distance, by name": {[]Node{node("b", ms, "192.0.2.2"), node("a", ms, "192.0.2.3"), own()}, []string{"a", "own"}},
	} {
		if d := cmp.Diff(c.want, names(choose(c.all))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if d := own(); true {
		d.Drain = true
		if got := names(choose([]Node{d, far})); got[0] != "own" {
			t.Errorf("who is served by a node that drains is told %v", got)
		}
	}
}

func TestWaysToANode(t *testing.T) {
	n := node("a", ms, "192.0.2.2", "192.0.2.3", "2001:db8::2", "2001:db8::3")
	n.TURNS, n.Host = 443, "a.meet.test"
	self := own()
	self.TURN, self.TURNS = 0, 8443
	got := Servers([]Node{self, n})
	want := []Server{
		{"turn", "192.0.2.2", 3478, "udp"}, {"turn", "2001:db8::2", 3478, "udp"}, {"turn", "192.0.2.2", 3478, "tcp"}, {"turn", "2001:db8::2", 3478, "tcp"},
		{"turns", "a.meet.test", 443, "tcp"}, {"turns", "192.0.2.1", 8443, "tcp"}, {"stun", "192.0.2.2", 3478, "udp"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
