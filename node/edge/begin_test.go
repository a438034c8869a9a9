package edge

import "testing"

// A client whose credentials or fingerprint make no sense, as another node may tell them, leaves neither leg nor path behind.
func TestWhoIsRefusedLeavesNothing(t *testing.T) {
	e := listen(t)
	for name, c := range map[string]struct {
		remote Credentials
		print  string
	}{
		"no credentials": {Credentials{}, e.Fingerprint()},
		"no fingerprint": {Credentials{"ufrag", "pwd"}, "sha-256 AA:B"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := e.Prepare(Credentials{}, false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Begin(p, c.remote, c.print, newRecorder(t)); err == nil {
				t.Fatal("it is taken")
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			if len(e.legs)+len(e.paths) > 0 {
				t.Errorf("%d legs and %d paths are left", len(e.legs), len(e.paths))
			}
		})
	}
}
