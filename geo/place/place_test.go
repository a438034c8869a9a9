package place

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func names(nodes []Node) (all []string) {
	for _, n := range nodes {
		all = append(all, n.Name)
	}
	return all
}

var (
	frankfurt = Location{50.1, 8.7}
	virginia  = Location{39, -77.5}
	singapore = Location{1.35, 103.8}
	berlin    = Client{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Location: Location{52.5, 13.4}, Located: true}
)

func three() []Node {
	return []Node{
		{Name: "ap", Location: singapore, Located: true}, {Name: "eu", Location: frankfurt, Located: true}, {Name: "us", Location: virginia, Located: true},
	}
}

func TestRank(t *testing.T) {
	with := func(change func(eu *Node)) []Node {
		nodes := three()
		change(&nodes[1])
		return nodes
	}
	measured := func(trips ...Trip) Client {
		c := berlin
		c.Trips = trips
		return c
	}
	for name, c := range map[string]struct {
		nodes  []Node
		client Client
		n      int
		want   []string
	}{
		"by distance":               {three(), berlin, 3, []string{"eu", "us", "ap"}},
		"the best alone":            {three(), berlin, 1, []string{"eu"}},
		"none":                      {three(), berlin, 0, nil},
		"no nodes":                  {nil, berlin, 3, nil},
		"dead":                      {with(func(eu *Node) { eu.Dead = true }), berlin, 3, []string{"us", "ap"}},
		"draining":                  {with(func(eu *Node) { eu.Draining = true }), berlin, 3, []string{"us", "ap"}},
		"busy":                      {with(func(eu *Node) { eu.Load = 205 }), berlin, 3, []string{"us", "ap", "eu"}},
		"half used":                 {with(func(eu *Node) { eu.Load = 127 }), berlin, 3, []string{"eu", "us", "ap"}},
		"another version":           {with(func(eu *Node) { eu.Oldest, eu.Newest = 3, 4 }), berlin, 3, []string{"us", "ap"}},
		"a newer one that fits":     {with(func(eu *Node) { eu.Newest = 4 }), berlin, 3, []string{"eu", "us", "ap"}},
		"measured is believed":      {three(), measured(Trip{"eu", ms(400)}, Trip{"ap", ms(30)}, Trip{"gone", ms(1)}), 3, []string{"ap", "us", "eu"}},
		"measured by a few ms":      {with(func(eu *Node) { eu.Location = virginia }), measured(Trip{"eu", ms(90)}, Trip{"us", ms(89)}), 2, []string{"us", "eu"}},
		"a node of unknown place":   {with(func(eu *Node) { eu.Located = false }), berlin, 3, []string{"us", "ap", "eu"}},
		"full ones after busy ones": {[]Node{{Name: "full", Load: 255}, {Name: "busy", Load: 230}}, berlin, 3, []string{"busy", "full"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := names(Rank(c.nodes, c.client, c.n)); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b Location
		km   float64
	}{{frankfurt, frankfurt, 0}, {frankfurt, virginia, 6540}, {frankfurt, singapore, 10250}, {Location{0, 179}, Location{0, -179}, 222}, {Location{90, 0}, Location{-90, 77}, 20015}} {
		if got := Distance(c.a, c.b) / 1000; math.Abs(got-c.km) > 0.01*c.km+1 {
			t.Errorf("%v to %v: %.0f km, want %.0f", c.a, c.b, got, c.km)
		}
	}
}

// TestEqualNodesShare counts whom many networks of one place are sent to by three nodes of one place, and by one that is half used.
func TestEqualNodesShare(t *testing.T) {
	nodes := []Node{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	count := func() map[string]int {
		all := map[string]int{}
		for i := range 3000 {
			client := Client{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)}
			all[Rank(nodes, client, 1)[0].Name]++
		}
		return all
	}
	for name, n := range count() {
		if n < 900 || n > 1100 {
			t.Errorf("%s gets %d of 3000", name, n)
		}
	}
	nodes[0].Load = 64
	if all := count(); all["a"] > 700 || all["a"] == 0 {
		t.Errorf("the one that is used by a quarter gets as many: %v", all)
	}
	nodes[0].Load = 128
	if all := count(); all["a"] > 100 {
		t.Errorf("the one that is half used gets %v", all)
	}
}

func drawNodes(t *rapid.T) []Node {
	var nodes []Node
	for i := range rapid.IntRange(0, 12).Draw(t, "nodes") {
		oldest := rapid.Uint16Range(1, 3).Draw(t, "oldest")
		nodes = append(nodes, Node{
			Name: fmt.Sprintf("n%d", i), Load: rapid.Byte().Draw(t, "load"),
			Location: Location{rapid.Float64Range(-90, 90).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon")},
			Located:  rapid.Bool().Draw(t, "located"), Oldest: oldest, Newest: oldest + rapid.Uint16Range(0, 2).Draw(t, "more"),
			Draining: rapid.IntRange(0, 4).Draw(t, "draining") == 0, Dead: rapid.IntRange(0, 4).Draw(t, "dead") == 0,
		})
	}
	return nodes
}

func drawClient(t *rapid.T) Client {
	c := Client{
		Prefix:   Neighbourhood(netip.AddrFrom4([4]byte{rapid.Byte().Draw(t, "net"), 1, 2, 3})),
		Location: Location{rapid.Float64Range(-90, 90).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon")},
		Located:  rapid.Bool().Draw(t, "located"),
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "trips") {
		c.Trips = append(c.Trips, Trip{fmt.Sprintf("n%d", 2*i), time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "rtt"))})
	}
	return c
}

func TestRankProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, client := drawNodes(t), drawClient(t)
		n := rapid.IntRange(0, 15).Draw(t, "n")
		order := Rank(nodes, client, len(nodes))
		got := names(order)

		if !slices.Equal(names(Rank(rapid.Permutation(nodes).Draw(t, "shuffled"), client, len(nodes))), got) {
			t.Fatal("the order depends on the order of the nodes")
		}
		if first := names(Rank(nodes, client, n)); !slices.Equal(first, got[:min(n, len(got))]) {
			t.Fatalf("the first %d are %v, of all %v", n, first, got)
		}
		seen := map[string]bool{}
		for _, one := range order {
			if one.Dead || one.Draining || seen[one.Name] {
				t.Fatalf("%+v in %v", one, got)
			}
			seen[one.Name] = true
		}
		usable := 0
		for _, one := range nodes {
			if !one.Dead && !one.Draining {
				usable++
			}
		}
		if usable > 0 && len(order) == 0 || 2*len(order) < usable && spokenByAll(nodes) {
			t.Fatalf("%d of %d nodes are chosen", len(order), usable)
		}
		for i := 1; i < len(order); i++ {
			if order[i-1].tier() > order[i].tier() {
				t.Fatalf("one with less room is before one with more: %v", got)
			}
		}
		if len(order) == 0 {
			return
		}

		// A node that comes closer is not put further back, and the others keep their order.
		i := rapid.IntRange(0, len(order)-1).Draw(t, "closer")
		near := client
		near.Trips = append([]Trip{{order[i].Name, 1}}, client.Trips...)
		after := names(Rank(nodes, near, len(nodes)))
		if slices.Index(after, got[i]) > i {
			t.Fatalf("%s is nearer and goes from %v to %v", got[i], got, after)
		}
		if without(got, got[i]) != without(after, got[i]) {
			t.Fatalf("%s is nearer, and others change places: %v, %v", got[i], got, after)
		}

		// A node that dies is missed by its own clients alone, unless its version was what held the others together.
		for k := range nodes {
			nodes[k].Oldest, nodes[k].Newest = 1, 1
		}
		got = names(Rank(nodes, client, len(nodes)))
		gone := rapid.SampledFrom(got).Draw(t, "gone")
		for k := range nodes {
			nodes[k].Dead = nodes[k].Dead || nodes[k].Name == gone
		}
		if after := names(Rank(nodes, client, len(nodes))); without(got, gone) != fmt.Sprint(after) {
			t.Fatalf("%s dies: %v becomes %v", gone, got, after)
		}
	})
}

func spokenByAll(nodes []Node) bool {
	return !slices.ContainsFunc(nodes, func(n Node) bool { return n.Oldest > 1 })
}

func without(all []string, one string) string {
	return fmt.Sprint(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one }))
}
