//go:build lab && linux

package lab_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// TestLinkCut cuts two of three nodes from each other, for longer than the grace, and joins them again.
func TestLinkCut(t *testing.T) {
	const room = "cut"
	m := newMesh(t, lab.Mesh(), "eu", "us", "ap")
	for k, region := range []string{"eu", "us", "ap"} {
		m.enter(m.visitor(uint8(k+1), region, lab.Media{}), m.cluster.Member(region), room)
	}
	apart := m.people[:2] // eu and us
	var listeners []*listener
	for _, region := range []string{"eu", "us", "ap"} {
		l, err := m.listen(region, room, "")
		if err != nil {
			t.Fatal(err)
		}
		defer l.leave()
		listeners = append(listeners, l)
	}
	m.met(m.people...)
	time.Sleep(3 * time.Second) // receivers begin with longer buffers than they need
	m.way(room, "eu", "us")
	m.way(room, "us", "eu")
	begun := time.Now()
	_, control := m.around(m.people, func() {})

	load := m.shaken("the cut", control, func() error { return m.lab.Partition("eu", "us") })
	m.way(room, "eu", "ap", "us")
	m.way(room, "us", "ap", "eu")
	m.linkUp("eu", "us", false)
	m.chat("through ap", m.people...)
	for _, l := range listeners {
		l.says(t, "through ap from "+l.region, listeners...)
	}
	m.judged(6*time.Second, m.people, m.meet(m.people, 15))
	if rest := time.Until(load.Add(grace + detection)); rest > 0 {
		time.Sleep(rest)
	}
	m.nobodyCameOrWent(begun, m.people...)

	m.shaken("the healing", control, func() error { return m.lab.Heal("eu", "us") })
	m.way(room, "eu", "us")
	m.way(room, "us", "eu")
	m.linkUp("eu", "us", true)
	m.chat("direct again", m.people...)
	for _, l := range listeners {
		l.says(t, "direct again from "+l.region, listeners...)
	}
	m.judged(6*time.Second, apart, m.meet(apart, 20))
	m.judged(6*time.Second, m.people, m.meet(m.people, 15))
	m.nobodyCameOrWent(begun, m.people...)
	for _, l := range listeners {
		if left := l.departures(begun); len(left) != 0 {
			t.Errorf("the listener of %s saw %+v leave", l.region, left)
		}
		heard := map[string]int{}
		for h, n := range l.roll.Take() {
			heard[h.Source] += n
		}
		t.Logf("the listener of %s heard %v", l.region, heard)
		if n := l.roll.Twice(); n != 0 {
			t.Errorf("the listener of %s got %d packets twice", l.region, n)
		}
		for _, other := range listeners {
			if n := heard[other.Endpoint()+"-a0"]; (n > 0) != (other != l) {
				t.Errorf("the listener of %s got %d packets of the one of %s", l.region, n, other.region)
			}
		}
	}
}

// shaken does something to the network and checks that no picture stands still for more than a second longer than without it. It
// returns when that was.
func (m *mesh) shaken(what string, control map[[2]uint8]time.Duration, do func() error) (at time.Time) {
	m.Helper()
	var during map[[2]uint8]time.Duration
	load, err := m.lab.Load(func() {
		at, during = m.around(m.people, func() {
			if err := do(); err != nil {
				m.Error(err)
			}
		})
	})
	if err != nil {
		m.Fatal(err)
	}
	m.Logf("%s: others take %.2f cores", what, load.Others)
	for _, wrong := range m.frozen(m.people, control, during, time.Second) {
		m.Errorf("%s: %s", what, wrong)
	}
	return at
}

// way waits until the last node of a way gets what the first one's visitor sends by that way.
func (m *mesh) way(room string, way ...string) {
	m.Helper()
	of := m.people[slices.IndexFunc(m.people, func(v *visitor) bool { return v.home == way[0] })]
	if err := lab.Eventually(m.Context(), 15*time.Second, func(ctx context.Context) error {
		status, err := m.cluster.Member(way[len(way)-1]).Room(ctx, room)
		if err != nil {
			return err
		}
		for _, kind := range []string{"a0", "v0"} {
			s, err := status.Source(of.endpoint + "-" + kind)
			if err != nil {
				return err
			}
			if !slices.Equal(m.regions(s.Path), way) || m.cluster.Region(s.Upstream) != way[len(way)-2] {
				return fmt.Errorf("%s of %s comes to %s by %v from %q", kind, way[0], way[len(way)-1], m.regions(s.Path), m.cluster.Region(s.Upstream))
			}
		}
		return nil
	}); err != nil {
		m.Errorf("want it by %v: %v", way, err)
	}
}

// linkUp waits until both ends of a link say that it is up, or that it is not.
func (m *mesh) linkUp(a, b string, up bool) {
	m.Helper()
	for _, ends := range [][2]string{{a, b}, {b, a}} {
		if err := lab.Eventually(m.Context(), 10*time.Second, func(ctx context.Context) error {
			l, err := m.cluster.Member(ends[0]).Link(ctx, m.cluster.Member(ends[1]))
			if err == nil && l.Up != up {
				err = fmt.Errorf("%+v", l)
			}
			return err
		}); err != nil {
			m.Errorf("the link from %s to %s, want it up: %v: %v", ends[0], ends[1], up, err)
		}
	}
}
