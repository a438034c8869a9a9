package lab

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/wan"
	"github.com/google/go-cmp/cmp"
)

func TestHostsOfARegion(t *testing.T) {
	nodes, clients := Region{Name: "us", Nodes: 2, Clients: 3}.subnets(2)
	var got []string
	for _, s := range append(nodes, clients...) {
		got = append(got, s.host+" "+s.v4(10).String()+" "+s.v6(10).String())
	}
	want := []string{
		"node 10.2.1.10 fd00:2:1::10", "node2 10.2.11.10 fd00:2:11::10",
		"cli 10.2.2.10 fd00:2:2::10", "cli2 10.2.21.10 fd00:2:21::10", "cli3 10.2.22.10 fd00:2:22::10",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, s := range append(nodes, clients...) {
		if p := prefixes(2); !p[0].Contains(s.v4(10)) || !p[1].Contains(s.v6(10)) {
			t.Errorf("%s is outside of %v", s.host, p)
		}
	}
}

// No two hosts share a wire, however many there are.
func TestSubnetsDoNotCollide(t *testing.T) {
	nodes, clients := Region{Nodes: mostHosts, Clients: mostHosts}.subnets(1)
	taken := map[int]string{natSubnet: "nat"}
	for _, s := range append(nodes, clients...) {
		if other, found := taken[s.number]; found {
			t.Errorf("%s and %s share subnet %d", s.host, other, s.number)
		}
		taken[s.number] = s.host
	}
}

func TestMeshIsSound(t *testing.T) {
	if err := Mesh().validate(); err != nil {
		t.Error(err)
	}
}

func TestHomesAreNearTheirOwnNodeAndFarFromOthers(t *testing.T) {
	got := Mesh().WithHomes(1e6)
	if err := got.validate(); err != nil {
		t.Fatal(err)
	}
	delays := map[string]time.Duration{}
	for _, l := range got.Links {
		delays[l.A+" "+l.B] = l.Delay
	}
	want := map[string]time.Duration{
		"eu us": 40e6, "eu ap": 110e6, "us ap": 75e6,
		"euhome eu": 1e6, "ushome us": 1e6, "aphome ap": 1e6,
		"euhome us": 41e6, "ushome eu": 41e6, "euhome ap": 111e6, "aphome eu": 111e6, "ushome ap": 76e6, "aphome us": 76e6,
	}
	if diff := cmp.Diff(want, delays); diff != "" {
		t.Error(diff)
	}
	if len(Mesh().Regions) != 3 || len(got.Regions) != 6 {
		t.Errorf("%d regions became %d", len(Mesh().Regions), len(got.Regions))
	}
}

func TestUnsoundTopologies(t *testing.T) {
	for name, topology := range map[string]Topology{
		"empty":         {},
		"two of a name": {Regions: []Region{{Name: "eu"}, {Name: "eu"}}},
		"long name":     {Regions: []Region{{Name: "europewest"}}},
		"many nodes":    {Regions: []Region{{Name: "eu", Nodes: mostHosts + 1}}},
		"unknown link":  {Regions: []Region{{Name: "eu"}}, Links: []Link{{A: "eu", B: "us"}}},
		"link to self":  {Regions: []Region{{Name: "eu"}}, Links: []Link{{A: "eu", B: "eu"}}},
		"negative delay": {
			Regions: []Region{{Name: "eu"}, {Name: "us"}},
			Links:   []Link{{A: "eu", B: "us", Impairment: wan.Impairment{Delay: -1}}},
		},
	} {
		if err := topology.validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
