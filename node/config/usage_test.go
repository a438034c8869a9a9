package config

import (
	"strings"
	"testing"
)

func TestUsageNamesEverySetting(t *testing.T) {
	var out strings.Builder
	if err := WriteUsage(&out); err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		if !strings.Contains(out.String(), "  --"+s.name+" "+s.form) {
			t.Errorf("--%s is missing", s.name)
		}
	}
	for i, line := range strings.Split(out.String(), "\n") {
		if len(line) > 100 {
			t.Errorf("line %d has %d characters", i+1, len(line))
		}
	}
}
