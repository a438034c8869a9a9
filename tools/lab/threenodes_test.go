//go:build lab && linux

package lab_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/emulator"
)

// oneWayBetween are the delays of [fourRegions] in the direction of the alphabet.
var oneWayBetween = map[[2]string]time.Duration{{"eu", "us"}: 40 * ms, {"ap", "eu"}: 110 * ms, {"ap", "us"}: 75 * ms}

func between(a, b string) time.Duration { return oneWayBetween[[2]string{min(a, b), max(a, b)}] }

// TestThreeNodes is a meeting of three at three nodes, which a fourth joins at a node that did not exist when it began.
func TestThreeNodes(t *testing.T) {
	m := newMesh(t, fourRegions())
	for _, region := range []string{"eu", "us", "ap"} {
		if _, err := m.cluster.Start(region); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.cluster.Await(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	const room = "files"
	for k, region := range []string{"eu", "us", "ap"} {
		m.enter(m.visitor(uint8(k+1), region, lab.Media{}), m.cluster.Member(region), room)
	}
	m.met(m.people...)
	m.judged(6*time.Second, m.people, m.meet(m.people, 20))
	m.chat("good morning", m.people...)
	m.roundTrips()
	m.panel(m.people[1], room)
	m.ways(room)
	m.carriedOnce(room)
	m.unwanted(m.people[2], room)
	m.fourth(room)

	for _, v := range m.people {
		v.browser.Close()
	}
	m.people = nil
	m.clocks()
}

// roundTrips checks what the nodes have measured.
func (m *mesh) roundTrips() {
	m.Helper()
	for _, a := range m.cluster.Members {
		for _, b := range m.cluster.Members {
			if a == b {
				continue
			}
			l, err := a.Link(m.Context(), b)
			if err != nil {
				m.Error(err)
				continue
			}
			want := 2 * float64(between(a.Region, b.Region).Milliseconds())
			m.Logf("%s to %s: %+v", a.Region, b.Region, l)
			if !l.Up || !l.Control || !l.Media || l.RTT < want || l.RTT > want+30 || l.Loss > 0.02 {
				m.Errorf("%s to %s: %+v, want it up with a round trip of %.0f to %.0f ms", a.Region, b.Region, l, want, want+30)
			}
		}
	}
}

// panel checks that a page tells of the network what the lab knows.
func (m *mesh) panel(v *visitor, room string) {
	m.Helper()
	if err := v.page.Click("[data-testid=network]"); err != nil {
		m.Fatal(err)
	}
	if err := v.page.Wait("document.querySelectorAll('[data-testid=network-node]').length === 3", 10*time.Second); err != nil {
		m.Error(err)
	}
	texts := func(selector string) []string {
		texts, err := v.page.Texts(selector)
		if err != nil {
			m.Fatal(err)
		}
		return texts
	}
	m.Logf("the panel of %v: %q %q %q", v, texts("[data-testid=network-node]"), texts("[data-testid=network-link]"), texts("[data-testid=network-person]"))
	if n := len(texts("[data-testid=network-link]")); n != 3 {
		m.Errorf("%v is told of %d links, want 3", v, n)
	}
	for _, of := range m.people {
		want := []string{name(of.number), of.home, of.home + " → " + v.home}
		if of == v {
			want = []string{"You", of.home, "from you"}
		}
		if got := texts(fmt.Sprintf("[data-of='%s'] :is(th, td)", of.endpoint)); !slices.Equal(got, want) {
			m.Errorf("%v is told %q of %v, want %q", v, got, of, want)
		}
	}
	if err := v.page.Click("[data-testid=network-done]"); err != nil {
		m.Fatal(err)
	}
}

// rooms asks every node of a room.
func (m *mesh) rooms(ctx context.Context, room string) (map[string]lab.RoomStatus, error) {
	rooms := map[string]lab.RoomStatus{}
	var errs []error
	for _, n := range m.cluster.Members {
		status, err := n.Room(ctx, room)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rooms[n.Name] = status
	}
	return rooms, errors.Join(errs...)
}

// ways checks that every source comes directly to every node, and over each link once, by what all nodes say.
func (m *mesh) ways(room string) {
	m.Helper()
	if err := lab.Eventually(m.Context(), 10*time.Second, func(ctx context.Context) error {
		rooms, err := m.rooms(ctx, room)
		if err != nil {
			return err
		}
		return m.direct(rooms)
	}); err != nil {
		m.Error(err)
	}
}

func (m *mesh) direct(rooms map[string]lab.RoomStatus) error {
	var wrong complaints
	for self, status := range rooms {
		at := m.cluster.Region(self)
		if status.Sequencer != rooms[m.cluster.Members[0].Name].Sequencer || status.Sequencer == "" {
			wrong.add("%s believes that %q is the sequencer, %s believes %q", at, m.cluster.Region(status.Sequencer), m.cluster.Members[0].Region,
				m.cluster.Region(rooms[m.cluster.Members[0].Name].Sequencer))
		}
		if len(status.Nodes) != len(rooms) || len(status.Participants) != len(m.people) {
			wrong.add("%s knows %d nodes and %d participants, want %d and %d", at, len(status.Nodes), len(status.Participants), len(rooms), len(m.people))
		}
		for _, v := range m.people {
			for _, kind := range []string{"a0", "v0"} {
				s, err := status.Source(v.endpoint + "-" + kind)
				if err != nil {
					wrong.add("%s: %v", at, err)
					continue
				}
				owner := m.cluster.Member(v.home).Name
				path, to := []string{owner, self}, []string(nil)
				if self == owner {
					path = []string{owner}
					for other := range rooms {
						if other != self {
							to = append(to, other)
						}
					}
				}
				got := slices.Clone(s.Path)
				if self == owner && len(got) == 0 {
					got = path // of its own
				}
				handed := slices.Sorted(slices.Values(s.RelayedTo))
				slices.Sort(to)
				if s.Node != owner || !slices.Equal(got, path) || !slices.Equal(handed, to) || self != owner && s.Upstream != owner || self == owner && s.Upstream != "" {
					wrong.add("%s: %s of %s comes by %v from %q and goes to %v, want %v and %v", at, s.Name, v.home, m.regions(s.Path), m.cluster.Region(s.Upstream), m.regions(handed), m.regions(path), m.regions(to))
				}
			}
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d things are wrong: %q", len(wrong), wrong)
	}
	return nil
}

func (m *mesh) regions(names []string) (regions []string) {
	for _, n := range names {
		regions = append(regions, m.cluster.Region(n))
	}
	return regions
}

// traffic returns the bits that the network carried each second between regions while f ran.
func (m *mesh) traffic(f func()) map[emulator.Direction]float64 {
	before, begun := m.lab.Network(), time.Now()
	f()
	after, span := m.lab.Network(), time.Since(begun).Seconds()
	rates := map[emulator.Direction]float64{}
	for d, s := range after {
		rates[d] = 8 * float64(s.Stats.Bytes-before[d].Stats.Bytes) / span
	}
	return rates
}

// carriedOnce compares what the network carries from node to node with what the pages behind get: a second copy would show.
func (m *mesh) carriedOnce(room string) {
	m.Helper()
	const (
		more  = 80_000 // bits a second: heartbeats, acknowledgements, gossip
		slack = 1.25
	)
	rooms, err := m.rooms(m.Context(), room)
	if err != nil {
		m.Fatal(err)
	}
	var reports []lab.Report
	rates := m.traffic(func() { reports = m.judge(5*time.Second, m.people) })
	want := map[emulator.Direction]float64{}
	for k, self := range m.people {
		to := m.cluster.Member(self.home)
		for _, of := range m.people {
			if of == self {
				continue
			}
			for _, kind := range []string{"a0", "v0"} {
				s, err := rooms[to.Name].Source(of.endpoint + "-" + kind)
				if err != nil {
					m.Fatal(err)
				}
				want[emulator.Direction{From: m.cluster.Region(s.Upstream), To: self.home}] += received(reports[k], of, kind)
			}
		}
	}
	for _, a := range m.people {
		for _, b := range m.people {
			if a == b {
				continue
			}
			d := emulator.Direction{From: a.home, To: b.home}
			m.Logf("from %s to %s: %.0f kbit/s for %.0f kbit/s of media", d.From, d.To, rates[d]/1000, want[d]/1000)
			if want[d] < 100_000 || rates[d] < want[d]/slack || rates[d] > slack*want[d]+more {
				m.Errorf("from %s to %s go %.0f kbit/s, for %.0f kbit/s of media", d.From, d.To, rates[d]/1000, want[d]/1000)
			}
		}
	}
}

// headers are the bytes around the payload of a packet of media between two nodes: IP, UDP, QUIC and RTP.
const headers = 80

// received returns the bits that a page got each second of somebody's microphone or camera, with the headers that they had between
// two nodes.
func received(r lab.Report, of *visitor, kind string) (rate float64) {
	track := ""
	for _, v := range r.Remote() {
		if kind == "v0" && v.Endpoint == of.endpoint && !v.Screen {
			track = v.Track
		}
	}
	for _, s := range r.Sounds {
		if kind == "a0" && s.Endpoint == of.endpoint {
			track = s.Track
		}
	}
	first, last := r.Stats[0], r.Stats[len(r.Stats)-1]
	for _, begin := range first.Inbound {
		for _, end := range last.Inbound {
			if begin.Track == track && end.Track == track && begin.SSRC == end.SSRC && end.Timestamp > begin.Timestamp {
				bytes := end.BytesReceived - begin.BytesReceived + headers*(end.PacketsReceived-begin.PacketsReceived)
				rate += 8000 * float64(bytes) / (end.Timestamp - begin.Timestamp)
			}
		}
	}
	return rate
}

// unwanted lets everybody else refuse somebody's picture: it leaves that one's node no more, and comes back when it is wanted again.
func (m *mesh) unwanted(of *visitor, room string) {
	m.Helper()
	source, owner := of.endpoint+"-v0", m.cluster.Member(of.home)
	want := func(height int) {
		for _, v := range m.people {
			if v == of {
				continue
			}
			say := fmt.Sprintf(`atollLab.sockets.filter((s) => s.url.includes('/colibri-ws') && s.readyState === 1).forEach((s) => s.send(JSON.stringify(
				{ colibriClass: 'ReceiverVideoConstraints', lastN: -1, defaultConstraints: { maxHeight: 360 }, constraints: { %q: { maxHeight: %d } } })))`, source, height)
			if err := v.page.Eval(say, nil); err != nil {
				m.Fatal(err)
			}
		}
	}
	wait := func(nodes int) {
		m.Helper()
		if err := lab.Eventually(m.Context(), 10*time.Second, func(ctx context.Context) error {
			status, err := owner.Room(ctx, room)
			if err != nil {
				return err
			}
			s, err := status.Source(source)
			if err == nil && len(s.RelayedTo) != nodes {
				err = fmt.Errorf("%s goes to %v", source, m.regions(s.RelayedTo))
			}
			return err
		}); err != nil {
			m.Errorf("with %d nodes that want it: %v", nodes, err)
		}
	}
	want(0)
	wait(0)
	rates := m.traffic(func() { time.Sleep(3 * time.Second) })
	for _, v := range m.people {
		if v == of {
			continue
		}
		rate := rates[emulator.Direction{From: of.home, To: v.home}]
		m.Logf("without the picture %.0f kbit/s go from %s to %s", rate/1000, of.home, v.home)
		if rate > 300_000 {
			m.Errorf("%.0f kbit/s go from %s to %s, where nobody wants the picture", rate/1000, of.home, v.home)
		}
	}
	want(360)
	wait(len(m.people) - 1)
	time.Sleep(2 * time.Second) // a key frame
	m.judged(5*time.Second, m.people, m.meet(m.people, 20))
}

// fourth adds a node and a participant there. Nothing else is told of them.
func (m *mesh) fourth(room string) {
	m.Helper()
	begun := time.Now()
	before := slices.Clone(m.people)
	node, err := m.cluster.Start("sa")
	if err != nil {
		m.Fatal(err)
	}
	if err := m.cluster.Await(m.Context(), 10*time.Second); err != nil {
		m.Error(err)
	}
	m.Logf("the fourth node is one of the cluster after %.1f s", time.Since(begun).Seconds())
	v := m.visitor(4, "sa", lab.Media{})
	begun = time.Now()
	m.enter(v, node, room)
	m.met(m.people...)
	m.Logf("the fourth participant sees and is seen after %.1f s", time.Since(begun).Seconds())
	// Four browsers and four nodes are more than two cores carry at full rate.
	m.judged(8*time.Second, m.people, m.meet(m.people, 10))
	m.chat("welcome", m.people...)
	for _, other := range before {
		if turns := m.turns(other, begun); len(turns) != 1 || !turns[0].Came || turns[0].Of != v.endpoint {
			m.Errorf("%v saw %+v come and go, want the fourth alone", other, turns)
		}
	}
	for _, n := range m.cluster.Members {
		select {
		case <-n.Process.Exited():
			m.Errorf("the node in %s has ended", n.Region)
		default:
		}
	}
}

// clocks meets once more, with pictures that tell their age.
func (m *mesh) clocks() {
	m.Helper()
	for k, region := range []string{"eu", "us", "ap"} {
		m.enter(m.visitor(uint8(k+1), region, lab.Media{Clock: true}), m.cluster.Member(region), "clocks")
	}
	m.met(m.people...)
	time.Sleep(3 * time.Second) // receivers begin with longer buffers than they need
	m.judged(10*time.Second, m.people, func(reports []lab.Report, share float64) (wrong complaints) {
		for k, self := range m.people {
			if n := len(reports[k].Remote()); n != len(m.people)-1 {
				wrong.add("%v sees %d others", self, n)
			}
			for _, v := range reports[k].Remote() {
				of := m.people[max(int(labelled(v.Label, m.people)), 1)-1]
				age, ok := v.Latency()
				way := between(of.home, self.home)
				m.Logf("%v sees %v: median %v of %d, %.0f fps; the link takes %v", self, of, age, len(v.Samples), v.FPS(), way)
				if !ok || age < way || age > way+late(share) {
					wrong.add("%v: pictures of %v are %v old (%v), want %v to %v", self, of, age, ok, way, way+late(share))
				}
				if who, ok := v.Colour(1, 2, 3); !ok || who != of.number || of == self {
					wrong.add("%v: the tile %q has the colour %v of %d (%v)", self, v.Label, v.Mean, who, ok)
				}
			}
		}
		return wrong
	})
}
