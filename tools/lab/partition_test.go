//go:build lab && linux

package lab_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

const (
	// apart is how long the sides of a partition are.
	apart = time.Minute
	// oneState bounds the time from the healing until all nodes agree.
	oneState = 20 * time.Second
	// readmission bounds how much longer it takes until who could not have entered is out.
	readmission = 5 * time.Second
)

// TestPartition divides five nodes with people on both sides, three against two. One side locks the room, somebody enters on the
// other; when they are one again, that one alone has to go.
func TestPartition(t *testing.T) {
	const room, password = "divided", "open sesame"
	one, other := []string{"eu", "us", "ap"}, []string{"sa", "af"}
	topology := lab.Topology{}
	for _, region := range slices.Concat(one, other) {
		for _, before := range topology.Regions {
			topology.Links = append(topology.Links, lab.Link{A: before.Name, B: region, Impairment: wan.Impairment{Delay: 30 * ms}})
		}
		topology.Regions = append(topology.Regions, lab.Region{Name: region})
	}
	m := newMesh(t, topology, slices.Concat(one, other)...)
	listeners := map[string]*listener{} // by region; the first one moderates
	var all []*listener
	for _, region := range slices.Concat(one, other) {
		l, err := m.listen(region, room, "")
		if err != nil {
			t.Fatal(err)
		}
		defer l.leave()
		listeners[region] = l
		all = append(all, l)
	}
	of := func(regions []string) (some []*listener) {
		for _, r := range regions {
			some = append(some, listeners[r])
		}
		return some
	}
	m.see(15*time.Second, all, all)
	for _, l := range all {
		l.says(t, "before, from "+l.region, all...)
	}

	begun := time.Now()
	if err := m.lab.Divide(one, other); err != nil {
		t.Fatal(err)
	}
	for _, side := range [][]*listener{of(one), of(other)} {
		m.see(grace+detection, side, side)
		for _, l := range side {
			l.says(t, "apart, from "+l.region, side...)
		}
	}
	t.Logf("each side knows that it is alone, and talks, %.1f s after the cut", time.Since(begun).Seconds())
	lock(t, listeners["eu"], password)
	m.refused("us", room, "")
	m.refused("ap", room, "wrong")
	admitted, err := m.listen("us", room, password)
	if err != nil {
		t.Fatalf("with the password: %v", err)
	}
	defer admitted.leave()
	intruder, err := m.listen("sa", room, "")
	if err != nil {
		t.Fatal(err)
	}
	defer intruder.leave()
	m.see(5*time.Second, append(of(other), intruder), append(of(other), intruder))
	intruder.says(t, "is anybody here?", append(of(other), intruder)...)
	time.Sleep(time.Until(begun.Add(apart)))

	healed := time.Now()
	if err := m.lab.Unite(one, other); err != nil {
		t.Fatal(err)
	}
	stay := append(slices.Clone(all), admitted)
	if err := lab.Eventually(t.Context(), oneState, func(ctx context.Context) error { return m.agree(ctx, room) }); err != nil {
		t.Errorf("one state after the healing: %v", err)
	}
	t.Logf("one state %.1f s after the healing", time.Since(healed).Seconds())
	out := fmt.Sprintf("%s is out", intruder.Endpoint())
	for _, l := range append(slices.Clone(stay), intruder) {
		ctx, cancel := context.WithDeadline(t.Context(), healed.Add(oneState+readmission))
		if err := l.Await(ctx, out, func(s participant.State) bool { return s.Occupants[intruder.Endpoint()] == "" }); err != nil {
			t.Errorf("%s: %v", l.region, err)
		}
		cancel()
	}
	t.Logf("the intruder is out %.1f s after the healing", time.Since(healed).Seconds())
	m.see(time.Until(healed.Add(oneState+readmission)), stay, stay)
	for _, l := range stay {
		l.says(t, "after, from "+l.region+" "+l.Endpoint(), stay...)
		for _, d := range l.departures(begun) {
			if d.endpoint == l.Endpoint() {
				t.Errorf("the listener of %s was told at %v that it left, with status %v", l.region, d.at.Sub(healed), d.statuses)
			}
		}
	}
	for _, region := range []string{"eu", "sa", "af"} {
		m.refused(region, room, "")
	}
	m.hearEachOther(stay)
}

// lock gives a room a password.
func lock(t *testing.T, moderator *listener, password string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	answer, err := moderator.Stream().Request(ctx, moderator.RoomJID(), "set", `<query xmlns="http://jabber.org/protocol/muc#owner"><x type="submit" xmlns="jabber:x:data">`+
		`<field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field>`+
		`<field var="muc#roomconfig_roomsecret"><value>`+password+`</value></field></x></query>`)
	if err == nil && answer.Attr("type") != "result" {
		err = errors.New(string(answer.Raw))
	}
	if err != nil {
		t.Fatalf("lock the room: %v", err)
	}
}

// refused checks that nobody gets in at the node of a region with a password. A node that has not heard yet that the room is locked lets
// people in, who are put out again when it has: what was said over a link of 30 ms may be late.
func (m *mesh) refused(region, room, password string) {
	m.Helper()
	l, err := m.listen(region, room, password)
	for begun := time.Now(); err == nil; l, err = m.listen(region, room, password) {
		l.leave()
		if time.Since(begun) > 2*time.Second {
			m.Errorf("in %s somebody gets in with the password %q", region, password)
			return
		}
		time.Sleep(100 * ms)
	}
	if !strings.Contains(err.Error(), "not-authorized") {
		m.Errorf("in %s with the password %q: %v, want not-authorized", region, password, err)
	}
}

// see waits until the rosters of some are the others, themselves and the focus.
func (m *mesh) see(patience time.Duration, some, others []*listener) {
	m.Helper()
	var want []string
	for _, o := range others {
		want = append(want, o.Endpoint())
	}
	slices.Sort(want)
	ctx, cancel := context.WithTimeout(m.Context(), patience)
	defer cancel()
	for _, l := range some {
		roster := func() []string {
			return slices.DeleteFunc(l.roster(), func(nick string) bool { return nick == "focus" })
		}
		if err := l.Await(ctx, "the roster", func(participant.State) bool { return slices.Equal(roster(), want) }); err != nil {
			m.Errorf("%s: %v\n%s", l.region, err, cmp.Diff(want, roster()))
		}
	}
}

// agree returns what the nodes do not agree about: who is alive, who is in the room and where, and who orders it.
func (m *mesh) agree(ctx context.Context, room string) error {
	if err := m.cluster.Whole(ctx); err != nil {
		return err
	}
	rooms, err := m.rooms(ctx, room)
	if err != nil {
		return err
	}
	type state struct {
		Sequencer string
		Nodes     []string
		People    []string
	}
	var first state
	for k, n := range m.cluster.Members {
		r := rooms[n.Name]
		s := state{Sequencer: r.Sequencer, Nodes: slices.Sorted(slices.Values(r.Nodes))}
		for _, p := range r.Participants {
			s.People = append(s.People, p.ID+" at "+p.Node)
		}
		slices.Sort(s.People)
		if k == 0 {
			first = s
		}
		if diff := cmp.Diff(first, s); diff != "" {
			return fmt.Errorf("%s and %s: %s", m.cluster.Members[0].Region, n.Region, diff)
		}
	}
	if len(first.Nodes) != len(m.cluster.Members) || first.Sequencer == "" {
		return fmt.Errorf("all agree on %+v", first)
	}
	return nil
}

// hearEachOther waits until each gets the sounds of all others and of nobody else, and nothing twice.
func (m *mesh) hearEachOther(people []*listener) {
	m.Helper()
	if err := lab.Eventually(m.Context(), 15*time.Second, func(context.Context) error {
		for _, l := range people {
			l.roll.Take()
		}
		time.Sleep(time.Second)
		var errs []error
		for _, l := range people {
			heard := map[string]bool{}
			for h := range l.roll.Take() {
				heard[h.Source] = true
			}
			want := map[string]bool{}
			for _, other := range people {
				if other != l {
					want[other.Endpoint()+"-a0"] = true
				}
			}
			if diff := cmp.Diff(want, heard); diff != "" {
				errs = append(errs, fmt.Errorf("the listener of %s: %s", l.region, diff))
			}
		}
		return errors.Join(errs...)
	}); err != nil {
		m.Error(err)
	}
	for _, l := range people {
		if n := l.roll.Twice(); n != 0 {
			m.Errorf("the listener of %s got %d packets twice", l.region, n)
		}
	}
}
