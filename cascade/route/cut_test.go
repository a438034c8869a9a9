package route

import (
	"testing"
	"time"
)

// TestCut: media of a link that is cut goes over the third node, and back when the link is mended, each source once.
func TestCut(t *testing.T) {
	for name, sever := range map[string]func(*mesh){
		"silent": func(m *mesh) { m.cable(0, 1).cut = true },
		"closed": func(m *mesh) { m.kill(0, 1) },
	} {
		m := newMesh(3, 3, func() time.Duration { return 80 * ms })
		for i, s := range m.sites {
			for j := range m.sites {
				if i != j {
					s.local[source(j)] = 360
				}
			}
		}
		gap := func(of, at int, within time.Duration) time.Duration {
			begun, last, longest := m.now, m.now, time.Duration(0)
			for m.now.Sub(begun) < within {
				m.run(step)
				for _, heard := range m.sites[at].heard[source(of)] {
					if heard.Equal(m.now) {
						last = m.now
					}
				}
				longest = max(longest, m.now.Sub(last))
			}
			return longest
		}
		m.run(3 * time.Second)
		m.settled()
		sever(m)
		// seen after 80 ms, asked and answered in a round trip of 70 ms
		if got := gap(1, 0, time.Second); got > 240*ms {
			t.Errorf("%s: nothing of node 1 at node 0 for %v", name, got)
		}
		m.run(5 * time.Second)
		m.settled()
		m.mend(0, 1)
		if got := gap(1, 0, time.Second); got > 0 {
			t.Errorf("%s: nothing of node 1 at node 0 for %v while the link comes back", name, got)
		}
		m.run(15 * time.Second)
		for _, fault := range m.settled() {
			t.Errorf("%s: %s", name, fault)
		}
	}
}
