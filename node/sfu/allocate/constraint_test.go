package allocate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func camera(n int) room.SourceName { return room.SourceName(fmt.Sprintf("%08x-v0", n)) }

func cameras(ns ...int) []room.SourceName {
	var names []room.SourceName
	for _, n := range ns {
		names = append(names, camera(n))
	}
	return names
}

func TestEffective(t *testing.T) {
	sources := []Source{{Name: camera(1)}, {Name: camera(2)}, {Name: camera(3), Muted: true}, {Name: camera(4)}}
	for name, c := range map[string]struct {
		c     Constraints
		self  room.EndpointID
		limit int
		want  []string
	}{
		"everything":       {Constraints{LastN: -1, Default: 720}, "", 50, []string{"1:720", "2:720", "3:720 muted", "4:720"}},
		"without limit":    {Constraints{LastN: -1, Default: -1}, "", 50, []string{"1:2160", "2:2160", "3:2160 muted", "4:2160"}},
		"not oneself":      {Constraints{LastN: -1, Default: 180}, "00000002", 50, []string{"1:180", "3:180 muted", "4:180"}},
		"nothing":          {Constraints{LastN: -1}, "", 50, nil},
		"last-N 0":         {Constraints{Default: 180}, "", 50, []string{"3:180 muted"}},
		"last-N 1":         {Constraints{LastN: 1, Default: 180}, "", 50, []string{"1:180", "3:180 muted"}},
		"muted take none":  {Constraints{LastN: 3, Default: 180}, "", 50, []string{"1:180", "2:180", "3:180 muted", "4:180"}},
		"slots bound":      {Constraints{LastN: -1, Default: 180}, "", 2, []string{"1:180", "2:180", "3:180 muted"}},
		"own entries":      {Constraints{LastN: -1, Heights: map[room.SourceName]int{camera(2): 360, camera(9): 720}}, "", 50, []string{"2:360"}},
		"off among others": {Constraints{LastN: 1, Default: 180, Heights: map[room.SourceName]int{camera(1): 0}}, "", 50, []string{"2:180", "3:180 muted"}},
		"stage, then selected": {
			Constraints{LastN: 3, Default: 180, OnStage: cameras(4), Selected: cameras(2, 7), Heights: map[room.SourceName]int{camera(4): 720}},
			"", 50,
			[]string{"4:720", "2:180", "1:180", "3:180 muted"},
		},
		"stage order": {Constraints{LastN: 2, Default: 180, OnStage: cameras(4, 2)}, "", 50, []string{"4:180", "2:180", "3:180 muted"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, w := range Effective(nil, sources, c.self, &c.c, c.limit) {
				s := fmt.Sprintf("%d:%d", w.Index+1, w.Height)
				if !w.Forward {
					s += " muted"
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
