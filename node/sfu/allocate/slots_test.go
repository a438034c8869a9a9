package allocate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// TestSlots asks at random and checks: who is wanted has a slot, nobody has two, who is wanted keeps the slot it had,
// there are never more than the greatest limit, and slots that are taken away were unwanted.
func TestSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Slots
		most := 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			limit := rapid.IntRange(0, 6).Draw(t, "limit")
			most = max(most, limit)
			wanted := cameras(rapid.SliceOfNDistinct(rapid.IntRange(0, 12), 0, limit, rapid.ID).Draw(t, "wanted")...)
			before := holding(&s)
			changed := s.Assign(wanted, limit, nil)
			after := holding(&s)
			for _, name := range wanted {
				i, ok := s.Index(name)
				if !ok || s.Source(i) != name {
					t.Fatalf("%s is wanted and has no slot", name)
				}
				if was, had := before[name]; had && was != i {
					t.Fatalf("%s moved from slot %d to %d", name, was, i)
				}
			}
			differ := map[int]bool{}
			for name, i := range after {
				if was, ok := before[name]; !ok || was != i {
					differ[i] = true
				}
			}
			got := map[int]bool{}
			for _, i := range changed {
				got[i] = true
			}
			if diff := cmp.Diff(differ, got); diff != "" || len(got) != len(changed) {
				t.Fatalf("changed %v: %s", changed, diff)
			}
			if s.Len() > most {
				t.Fatalf("%d slots, limit was never above %d", s.Len(), most)
			}
			if rapid.IntRange(0, 4).Draw(t, "leave") == 0 {
				gone := camera(rapid.IntRange(0, 12).Draw(t, "gone"))
				was, had := holding(&s)[gone]
				i := s.Free(gone)
				if had != (i >= 0) || had && (i != was || s.Source(i) != "") {
					t.Fatalf("freed slot %d, it was in %d, %v", i, was, had)
				}
			}
		}
	})
}

func holding(s *Slots) map[room.SourceName]int {
	m := map[room.SourceName]int{}
	for i := range s.Len() {
		if name := s.Source(i); name != "" {
			if _, twice := m[name]; twice {
				panic("two slots hold " + name)
			}
			m[name] = i
		}
	}
	return m
}

func TestTheLongestUnwantedGivesWay(t *testing.T) {
	var s Slots
	s.Assign(cameras(1, 2, 3), 3, nil)
	s.Assign(cameras(1, 3), 3, nil)
	s.Assign(cameras(3), 3, nil)
	s.Assign(cameras(3, 4), 3, nil)
	if diff := cmp.Diff(map[room.SourceName]int{camera(1): 0, camera(4): 1, camera(3): 2}, holding(&s)); diff != "" {
		t.Error(diff)
	}
	s.Assign(cameras(4, 5), 4, nil)
	if i, _ := s.Index(camera(5)); i != 3 {
		t.Errorf("slot %d, want a new one", i)
	}
}
