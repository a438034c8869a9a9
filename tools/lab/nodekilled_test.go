//go:build lab && linux

package lab_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

const (
	// grace is how long the occupants of a node that is dead to everybody stay.
	grace = 10 * time.Second
	// detection is what may pass beyond, from the kill to the decision that the node is dead and back.
	detection = 8 * time.Second
)

// kills is how often a node is killed: ATOLL_LAB_KILLS, or once.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("ATOLL_LAB_KILLS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("ATOLL_LAB_KILLS=%q: want a number of kills", text)
	}
	return n
}

// TestNodeKilled kills one node after the other under a meeting of three.
func TestNodeKilled(t *testing.T) {
	n := kills(t)
	regions := []string{"eu", "us", "ap"}
	m := newMesh(t, lab.Mesh(), regions...)
	for k, region := range regions {
		m.enter(m.visitor(uint8(k+1), region, lab.Media{}), m.cluster.Member(region), "killed")
	}
	m.met(m.people...)
	time.Sleep(3 * time.Second) // receivers begin with longer buffers than they need
	const spare = 3
	for round, good := 0, 0; good < n; round++ {
		if round == n+spare {
			t.Fatalf("pictures stood still while others took the machine, in %d of %d rounds", round-good, round)
		}
		if m.killed(round, regions[round%3]) {
			good++
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// killed kills the node of a region and brings it back. It returns false when a picture stood still for too long while others took
// the machine, which says nothing of the survivors.
func (m *mesh) killed(round int, region string) (counts bool) {
	m.Helper()
	node, k := m.cluster.Member(region), slices.IndexFunc(m.people, func(v *visitor) bool { return v.home == region })
	victim := m.people[k]
	survivors := slices.Delete(slices.Clone(m.people), k, k+1)
	var listeners []*listener
	for _, v := range survivors {
		l, err := m.listen(v.home, "killed", "")
		if err != nil {
			m.Fatal(err)
		}
		defer l.leave()
		listeners = append(listeners, l)
	}
	time.Sleep(time.Second)

	_, control := m.around(survivors, func() {})
	var at time.Time
	var during map[[2]uint8]time.Duration
	load, err := m.lab.Load(func() { at, during = m.around(survivors, node.Kill) })
	if err != nil {
		m.Fatal(err)
	}
	m.Logf("round %d: %s is killed; others take %.2f cores", round+1, region, load.Others)
	counts = true
	for _, wrong := range m.frozen(survivors, control, during, time.Second) {
		if load.Others >= noise {
			m.Logf("others take the machine: %s", wrong)
			counts = false
			continue
		}
		m.Errorf("round %d, %s is killed: %s", round+1, region, wrong)
	}
	m.chat(fmt.Sprintf("round %d", round+1), survivors...)
	listeners[0].says(m.T, fmt.Sprintf("round %d", round+1), listeners...)
	m.goneOnce(victim, at, survivors, listeners)

	// Who comes now is seen and heard, at a node that is left and, when it is back, at the one that was killed.
	if err := victim.page.Close(); err != nil {
		m.Fatal(err)
	}
	m.enter(victim, m.cluster.Member(survivors[0].home), "killed")
	m.met(m.people...)
	m.judged(5*time.Second, m.people, m.meet(m.people, 10))
	if err := node.Restart(); err != nil {
		m.Fatal(err)
	}
	if err := m.cluster.Await(m.Context(), 15*time.Second); err != nil {
		m.Fatal(err)
	}
	m.leave(victim)
	m.enter(victim, node, "killed")
	m.met(m.people...)
	m.judged(5*time.Second, m.people, m.meet(m.people, 10))
	return counts
}

// goneOnce waits until the one whose node was killed leaves, once for everybody and nobody else with it.
func (m *mesh) goneOnce(victim *visitor, at time.Time, survivors []*visitor, listeners []*listener) {
	m.Helper()
	time.Sleep(time.Until(at.Add(grace + detection)))
	in := func(of string, then time.Time) bool {
		after := then.Sub(at)
		m.Logf("%s sees %v leave after %.1f s", of, victim, after.Seconds())
		return after >= grace-100*ms && after <= grace+detection
	}
	for _, v := range survivors {
		turns := m.turns(v, at)
		if len(turns) != 1 || turns[0].Came || turns[0].Of != victim.endpoint || !in(v.String(), time.UnixMilli(turns[0].At)) {
			m.Errorf("%v saw %+v come and go since the kill at %d, want %s to go once, after the grace", v, turns, at.UnixMilli(), victim.endpoint)
		}
	}
	for _, l := range listeners {
		left := l.departures(at)
		if len(left) != 1 || left[0].endpoint != victim.endpoint || !slices.Contains(left[0].statuses, "333") || !in("the listener of "+l.region, left[0].at) {
			m.Errorf("the listener of %s saw %+v leave, want %s once, after the grace, with status 333", l.region, left, victim.endpoint)
		}
	}
}
