package speaker

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// score is the speech activity score of the paper: v of n active, with the rate lambda.
func score(v, n int, lambda float64) float64 {
	binomial := 1.0
	for i := range v {
		binomial = binomial * float64(n-i) / float64(i+1)
	}
	s := math.Log(binomial) + float64(v)*math.Log(0.5) + float64(n-v)*math.Log(0.5) - math.Log(lambda) + lambda*float64(v)
	return max(s, 1e-10)
}

// winner decides with the scores and thresholds of the paper. It returns -1 when nobody takes over.
func winner(all []*speaker[int], dominant int) int {
	scores := func(s *speaker[int]) [3]float64 {
		return [3]float64{score(int(s.immediate(0)), 13, 0.78), score(s.medium(0), 5, 24), score(s.long(), 10, 47)}
	}
	d := scores(all[dominant])
	won, best := -1, 2.0
	for i, s := range all {
		if i == dominant {
			continue
		}
		c := scores(s)
		c1, c2, c3 := math.Log(c[0]/d[0]), math.Log(c[1]/d[1]), math.Log(c[2]/d[2])
		if c1 > 3 && c2 > 2 && c3 > 0 && c2 > best {
			won, best = i, c2
		}
	}
	return won
}

// TestIntegersDecideLikeScores compares the integer rule with the paper's on random histories that make all three
// comparisons come out both ways.
func TestIntegersDecideLikeScores(t *testing.T) {
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 20 { // the short run of the race detector draws few histories, and in few of them somebody takes over
			taken += compare(t)
		}
	})
	if taken == 0 {
		t.Error("nobody ever took over: the test shows nothing")
	}
}

// compare draws one history, and returns 1 when somebody takes over in it.
func compare(t *rapid.T) int {
	var d Detector[int]
	for k := range rapid.IntRange(2, 4).Draw(t, "speakers") {
		s := &speaker[int]{key: k}
		s.push(1) // a floor of 1
		// Blocks that are wholly active or not at all, then the newest levels about the thresholds.
		for _, block := range rapid.SliceOfN(rapid.SampledFrom([]uint8{20, 79, 80, 127}), 10, 10).Draw(t, "blocks") {
			for range perBlock {
				s.push(block)
			}
		}
		for _, l := range rapid.SliceOfN(rapid.SampledFrom([]uint8{1, 39, 40, 49, 50, 79, 80}), 0, 5).Draw(t, "newest") {
			s.push(l)
		}
		d.speakers = append(d.speakers, s)
	}
	dominant := rapid.IntRange(0, len(d.speakers)-1).Draw(t, "dominant")
	d.dominant = d.speakers[dominant]
	want := winner(d.speakers, dominant)
	d.compete()
	taken := 1
	if want < 0 {
		want, taken = dominant, 0
	}
	if got, _ := d.Dominant(); got != want {
		t.Fatalf("dominant %d, by the scores %d", got, want)
	}
	return taken
}
