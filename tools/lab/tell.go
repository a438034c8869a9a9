//go:build linux

package lab

import (
	"os"
	"path/filepath"
	"strings"
)

// tell shows what ran in the lab, for a test that failed.
func (l *Lab) tell(t T) {
	t.Helper()
	l.mu.Lock()
	processes, browsers := l.processes, l.browsers
	l.mu.Unlock()
	keep := os.Getenv("ATOLL_LAB_ARTIFACTS")
	if keep != "" {
		keep = filepath.Join(keep, strings.ReplaceAll(t.Name(), "/", "_"))
		if err := os.MkdirAll(keep, 0o755); err != nil {
			t.Logf("keep artifacts: %v", err)
			keep = ""
		}
	}
	for _, b := range browsers {
		for _, p := range b.Pages() {
			t.Logf("console of page %s in %s:\n%s", p.id, b.namespace.Name, tail(p.consoleText(), 40))
			if keep == "" {
				continue
			}
			if err := p.Screenshot(filepath.Join(keep, b.namespace.Name+"-"+p.id+".png")); err != nil {
				t.Logf("%v", err)
			}
		}
	}
	for _, p := range processes {
		t.Logf("log of %s:\n%s", p.Name, tail(p.Log(), 40))
		if keep == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(keep, filepath.Base(p.log)), []byte(p.Log()), 0o644); err != nil {
			t.Logf("keep log: %v", err)
		}
	}
	for d, s := range l.Network() {
		if s.Stats.Offered == 0 {
			continue
		}
		t.Logf("%s>%s %+v %+v", d.From, d.To, s.Impairment, s.Stats)
	}
}
