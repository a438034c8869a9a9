package plan

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTurns(t *testing.T) {
	leavers := func(l ...Leaver[string]) []Leaver[string] { return l }
	a, b := Leaver[string]{Who: "a", Room: "one", Media: true}, Leaver[string]{Who: "b", Room: "one", Media: true}
	other, quiet := Leaver[string]{Who: "other", Room: "two", Media: true}, Leaver[string]{Who: "quiet", Room: "one"}
	lost := Leaver[string]{Who: "lost", Room: "three", Media: true, Lost: true}
	turns := NewTurns[string]()
	now := start
	next := func(want ...string) {
		t.Helper()
		if got := turns.Next(now, leavers(a, b, other, quiet, lost)); !slices.Equal(got, want) {
			t.Errorf("after %v: %v, want %v", now.Sub(start), got, want)
		}
	}
	next("a", "other", "quiet")
	next()
	now = now.Add(100 * time.Millisecond)
	turns.Over(now, "a", Stayed)
	turns.Over(now, "other", Moved)
	next("b", "other") // other has come back
	now = now.Add(turnTime)
	next() // a has just failed
	now = now.Add(AgainTime - turnTime)
	next("a") // though b is not over
	now = start.Add(LostTime)
	next("lost")
}

// TestTurnsOfMany: whatever the sizes of rooms, everybody has a turn, no room has more at once than a sixth of it and one, and who
// never ends does not keep the others.
func TestTurnsOfMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var here []Leaver[string]
		sizes := map[string]int{}
		for r := range rapid.IntRange(1, 5).Draw(t, "rooms") {
			name := strconv.Itoa(r)
			sizes[name] = rapid.IntRange(1, 40).Draw(t, "size")
			for k := range sizes[name] {
				here = append(here, Leaver[string]{Who: name + "/" + strconv.Itoa(k), Room: name, Media: true})
			}
		}
		turns, now, under := NewTurns[string](), start, map[string]time.Time{}
		for range 1000 {
			for _, who := range turns.Next(now, here) {
				under[who] = now.Add(rapid.SampledFrom([]time.Duration{50, 200, 350}).Draw(t, "takes") * time.Millisecond)
			}
			if len(under) > mostAtOnce {
				t.Fatalf("%d under way", len(under))
			}
			atOnce := map[string]int{}
			for who, until := range under {
				name, _, _ := strings.Cut(who, "/")
				if atOnce[name]++; atOnce[name] > sizes[name]/rounds+1 {
					t.Fatalf("%d of %d at once", atOnce[name], sizes[name])
				}
				if !now.Before(until) {
					delete(under, who)
					turns.Over(now, who, Moved)
					here = slices.DeleteFunc(here, func(l Leaver[string]) bool { return l.Who == who })
				}
			}
			if len(here) == 0 {
				return
			}
			now = now.Add(10 * time.Millisecond)
		}
		t.Fatalf("%d are left", len(here))
	})
}
