package place

import "testing"

func TestRankNearestFirst(t *testing.T) {
	nodes := []Node{
		{Name: "ap", Location: Location{1.35, 103.8}, Located: true},
		{Name: "eu", Location: Location{50.1, 8.7}, Located: true},
		{Name: "us", Location: Location{39, -77.5}, Located: true},
		{Name: "gone", Location: Location{52, 13}, Located: true, Dead: true},
	}
	got := Rank(nodes, Client{Location: Location{52, 13}, Located: true}, 3)
	if len(got) != 3 || got[0].Name != "eu" || got[1].Name != "us" || got[2].Name != "ap" {
		t.Fatalf("%+v", got)
	}
}
