package reception

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const rtt = 40 * time.Millisecond

func TestAsksAtOnceThenOnceARoundTrip(t *testing.T) {
	var m Missing
	m.Fresh(65534, 2, begin)
	got := map[time.Duration][]uint16{}
	for d := time.Duration(0); d <= 120*time.Millisecond; d += 10 * time.Millisecond {
		if due, _ := m.Due(begin.Add(d), rtt, nil); len(due) > 0 {
			got[d] = due
		}
		if d == 60*time.Millisecond {
			m.Late(0)
		}
	}
	want := map[time.Duration][]uint16{
		0:                      {65535, 0, 1},
		50 * time.Millisecond:  {65535, 0, 1},
		100 * time.Millisecond: {65535, 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		rtt         time.Duration
		tries       int
		least, most time.Duration
	}{
		"after ten tries":  {0, 10, 200 * time.Millisecond, 220 * time.Millisecond},
		"after one second": {300 * time.Millisecond, 3, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var m Missing
			m.Fresh(1, 3, begin)
			tries := 0
			for d := time.Duration(0); ; d += 10 * time.Millisecond {
				due, gaveUp := m.Due(begin.Add(d), c.rtt, nil)
				tries += len(due)
				if gaveUp {
					if tries != c.tries || d < c.least || d > c.most {
						t.Errorf("gave up at %v after %d tries", d, tries)
					}
					break
				}
				if d > 2*time.Second {
					t.Fatal("never gave up")
				}
			}
			if m.Any() {
				t.Error("still waits for what it gave up")
			}
		})
	}
}

func TestTooMuchIsMissing(t *testing.T) {
	var m Missing
	if !m.Fresh(0, 201, begin) {
		t.Error("200 packets are not asked for")
	}
	if m.Fresh(201, 300, begin) || m.Any() {
		t.Error("299 packets are asked for")
	}
}
