package load_test

import (
	"testing"

	"github.com/atoll-mesh/atoll/tools/load"
)

func TestGrowthIsOfTheThirds(t *testing.T) {
	var s load.Soaked
	for k := range 9 {
		sample := load.Sample{RSS: 100, Goroutines: 50}
		if k >= 6 {
			sample = load.Sample{RSS: 110, Goroutines: 51}
		}
		if k == 1 || k == 7 {
			sample.RSS *= 3 // one that says nothing
		}
		s.Samples = append(s.Samples, sample)
	}
	if rss, goroutines := s.Growth(); rss != 1.1 || goroutines != 1.02 {
		t.Errorf("grew to %v and %v, want 1.1 and 1.02", rss, goroutines)
	}
	if rss, goroutines := (load.Soaked{}).Growth(); rss != 0 || goroutines != 0 {
		t.Errorf("nothing grew to %v and %v", rss, goroutines)
	}
}

func TestMetric(t *testing.T) {
	exposition := []byte("# HELP go_goroutines x\ngo_goroutines_max 7\ngo_goroutines 813\ngo_memstats_heap_alloc_bytes 1.4e+07\n")
	if v, err := load.Metric(exposition, "go_goroutines"); err != nil || v != 813 {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := load.Metric(exposition, "go_memstats_heap_alloc_bytes"); err != nil || v != 1.4e7 {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := load.Metric(exposition, "go_threads"); err == nil {
		t.Error("found what is not there")
	}
}
