//go:build lab && linux

package lab_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// mesh is a cluster and the people who meet on it. Visitor k, from 1, is participant k with its picture and tone.
type mesh struct {
	*testing.T
	lab     *lab.Lab
	cluster *lab.Cluster
	origins []string // of the nodes that there are and that there may be
	people  []*visitor
}

// visitor is a person with a browser, at home near a node.
type visitor struct {
	number   uint8 // from 1
	home     string
	device   bool   // its pictures do not say whose they are
	endpoint string // in the present room
	browser  *lab.Browser
	page     *lab.Page
}

func (v *visitor) String() string { return fmt.Sprintf("%s of %s", name(v.number), v.home) }

// near is the delay between a home and its node.
const near = ms

// fourRegions is the usual three, and one more.
func fourRegions() lab.Topology {
	t := lab.Mesh()
	t.Regions = append(t.Regions, lab.Region{Name: "sa"})
	for region, delay := range map[string]time.Duration{"us": 60 * ms, "eu": 95 * ms, "ap": 130 * ms} {
		t.Links = append(t.Links, lab.Link{A: region, B: "sa", Impairment: wan.Impairment{Delay: delay}})
	}
	return t
}

// newMesh opens a lab and starts a node in each of the regions, until all know each other.
func newMesh(t *testing.T, topology lab.Topology, regions ...string) *mesh {
	t.Helper()
	topology.Seed = 1
	m := &mesh{T: t, lab: lab.New(t, topology.WithHomes(near))}
	for _, r := range topology.Regions {
		m.origins = append(m.origins, lab.Origin(m.lab.Node(r.Name)))
	}
	var err error
	if m.cluster, err = m.lab.Cluster(program(t)); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for _, region := range regions {
		if _, err := m.cluster.Start(region); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.cluster.Await(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d nodes know each other %.1f s after the start of the first", len(regions), time.Since(begun).Seconds())
	return m
}

// visitor starts a browser at the home of a region.
func (m *mesh) visitor(number uint8, region string, media lab.Media) *visitor {
	m.Helper()
	media.Participant = number
	b, err := m.lab.Browser(m.lab.Client(lab.Home(region)), lab.BrowserOptions{
		Media: media, Secure: m.origins, Window: lab.Window{Width: 800, Height: 600},
	})
	if err != nil {
		m.Fatal(err)
	}
	v := &visitor{number: number, home: region, browser: b}
	m.people = append(m.people, v)
	return v
}

// enter lets a visitor come into a room through the page of a node.
func (m *mesh) enter(v *visitor, node *lab.Member, room string) {
	m.Helper()
	var err error
	v.page, err = v.browser.Open(fmt.Sprintf(`%s/%s#userInfo.displayName=%%22%s%%22&config.prejoinConfig.enabled=false`, node.Origin(), room, name(v.number)))
	if err != nil {
		m.Fatal(err)
	}
	const own = "document.querySelector('[data-phase=joined] [data-endpoint][data-local]')"
	if err := v.page.Wait(own, 20*time.Second); err != nil {
		m.Fatal(err)
	}
	if err := v.page.Eval(own+".dataset.endpoint", &v.endpoint); err != nil {
		m.Fatal(err)
	}
	if err := v.page.Eval(followRoster, nil); err != nil {
		m.Fatal(err)
	}
}

// leave lets a visitor hang up. Its browser stays.
func (m *mesh) leave(v *visitor) {
	m.Helper()
	if err := v.page.Click("[data-testid=leave]"); err != nil {
		m.Fatal(err)
	}
	if err := v.page.Wait("document.querySelector('[data-testid=ending]')", 10*time.Second); err != nil {
		m.Fatal(err)
	}
	if err := v.page.Close(); err != nil {
		m.Fatal(err)
	}
}

// met waits until everybody sees pictures of everybody else.
func (m *mesh) met(people ...*visitor) {
	m.Helper()
	for _, v := range people {
		if err := v.page.Arrived(len(people)-1, 30*time.Second); err != nil {
			m.Fatalf("%v: %v", v, err)
		}
	}
}

// followRoster makes a page write down who comes and goes, by the tiles of others.
const followRoster = `(() => {
	const tiles = () => new Set([...document.querySelectorAll('[data-endpoint]:not([data-local])')].map((e) => e.dataset.endpoint));
	let before = tiles();
	atollLab.roster = [];
	new MutationObserver(() => {
		const now = tiles();
		for (const of of before) if (!now.has(of)) atollLab.roster.push({ of, came: false, at: Date.now() });
		for (const of of now) if (!before.has(of)) atollLab.roster.push({ of, came: true, at: Date.now() });
		before = now;
	}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-endpoint'] });
})()`

// turn is somebody's coming or going, as a page shows it.
type turn struct {
	Of   string `json:"of"` // endpoint
	Came bool   `json:"came"`
	At   int64  `json:"at"` // ms
}

// turns returns what a page wrote down since a moment.
func (m *mesh) turns(v *visitor, since time.Time) (turns []turn) {
	m.Helper()
	if err := v.page.Eval("atollLab.roster", &turns); err != nil {
		m.Fatal(err)
	}
	return slices.DeleteFunc(turns, func(t turn) bool { return t.At < since.UnixMilli() })
}

// nobodyCameOrWent checks the pages' rosters since a moment.
func (m *mesh) nobodyCameOrWent(since time.Time, people ...*visitor) {
	m.Helper()
	for _, v := range people {
		if turns := m.turns(v, since); len(turns) != 0 {
			m.Errorf("%v saw %+v come or go, want nobody", v, turns)
		}
	}
}

// judged judges some pages.
func (m *mesh) judged(window time.Duration, people []*visitor, verdict verdict) {
	m.Helper()
	judged(m.T, m.lab, func() []lab.Report { return m.judge(window, people) }, verdict)
}

// judge judges some pages in the same window.
func (m *mesh) judge(window time.Duration, people []*visitor) []lab.Report {
	m.Helper()
	reports, errs := make([]lab.Report, len(people)), make([]error, len(people))
	var judging sync.WaitGroup
	for k, v := range people {
		judging.Go(func() { reports[k], errs[k] = v.page.Judge(window) })
	}
	judging.Wait()
	for _, err := range errs {
		if err != nil {
			m.Fatal(err)
		}
	}
	return reports
}

// labelled returns whose name a tile shows, 0 for nobody's.
func labelled(label string, people []*visitor) uint8 {
	for _, v := range people {
		if strings.Contains(label, name(v.number)) {
			return v.number
		}
	}
	return 0
}

// meet checks that everybody sees and hears everybody else exactly once, in the tile of their name, with as many frames a second.
func (m *mesh) meet(people []*visitor, fps float64) verdict {
	return func(reports []lab.Report, share float64) (wrong complaints) {
		for k, self := range people {
			seen, heard := map[uint8]int{}, map[uint8]int{}
			for _, v := range reports[k].Remote() {
				number := labelled(v.Label, people)
				at := slices.IndexFunc(people, func(p *visitor) bool { return p.number == number })
				if at < 0 {
					continue
				}
				of := people[at]
				seen[of.number]++
				id, sure := v.Identity()
				sent := reports[at].Sent()
				m.Logf("%v sees %v: identity %d (%.2f of %d), %dx%d, %.0f fps, %.1f received of %.1f, %d lost, %d NACKs, %d PLIs, %d key frames", self, of,
					id, sure, len(v.Samples), v.Width, v.Height, v.FPS(), v.Received, sent, v.Last.PacketsLost, v.Last.NACKs, v.Last.PLIs, v.Last.KeyFrames)
				if !of.device {
					wrong.identity(fmt.Sprintf("%v: the tile of %v", self, of), v, of.number)
				}
				if len(v.Samples) < 10 {
					wrong.add("%v: the tile of %v shows %d pictures", self, of, len(v.Samples))
				}
				wrong.rate(fmt.Sprintf("%v: %v", self, of), v, sent, fps, share)
			}
			for _, s := range reports[k].Sounds {
				of := labelled(s.Label, people)
				if of == 0 || !s.Remote || !s.Playing {
					continue
				}
				heard[of]++
				for _, other := range people {
					if got, want := s.Hears(other.number), other.number == of; got != want {
						wrong.add("%v: in the sound of %s hears the tone of %d: %v, want %v", self, name(of), other.number, got, want)
					}
				}
			}
			for _, other := range people {
				want := 1
				if other == self {
					want = 0
				}
				if n := other.number; seen[n] != want || heard[n] != want {
					wrong.must("%v sees %s %d times and hears it %d times, want %d", self, name(n), seen[n], heard[n], want)
				}
			}
		}
		return wrong
	}
}

// openChat opens the chat of a visitor's page and returns what finds its input.
func (m *mesh) openChat(v *visitor) (input string) {
	m.Helper()
	input = "[data-testid=chat-input]"
	var open bool
	if err := v.page.Eval(fmt.Sprintf("!!document.querySelector(%q)", input), &open); err != nil {
		m.Fatal(err)
	}
	if !open {
		if err := v.page.Click("[data-testid=chat]"); err != nil {
			m.Fatal(err)
		}
	}
	return input
}

// chat lets everybody say something that was not said before, and checks that everybody reads it exactly once.
func (m *mesh) chat(topic string, people ...*visitor) {
	m.Helper()
	line := func(of *visitor) string { return fmt.Sprintf("%s from %s.", topic, name(of.number)) }
	for _, v := range people {
		input := m.openChat(v)
		if err := v.page.Fill(input, line(v)); err != nil {
			m.Fatal(err)
		}
		if err := v.page.Press(input, "Enter"); err != nil {
			m.Fatal(err)
		}
	}
	count := func(of *visitor) string {
		return fmt.Sprintf(`[...document.querySelectorAll('[data-testid=chat-body]')].filter((b) => b.innerText.includes(%q)).length`, line(of))
	}
	for _, v := range people {
		for _, of := range people {
			if err := v.page.Wait(count(of)+" > 0", 10*time.Second); err != nil {
				m.Errorf("%v does not read %q: %v", v, line(of), err)
			}
		}
	}
	for _, v := range people {
		for _, of := range people {
			var n int
			if err := v.page.Eval(count(of), &n); err != nil {
				m.Fatal(err)
			}
			if n != 1 {
				m.Errorf("%v reads %q %d times", v, line(of), n)
			}
		}
		// An open chat takes the place of pictures on a page this narrow.
		if err := v.page.Click("[data-testid=chat]"); err != nil {
			m.Fatal(err)
		}
	}
}

// gaps returns the longest time that each page was without a new picture of each other, between two moments.
func gaps(people []*visitor, reports []lab.Report, from, to time.Time) map[[2]uint8]time.Duration {
	found := map[[2]uint8]time.Duration{}
	for k, self := range people {
		for _, v := range reports[k].Remote() {
			if of := labelled(v.Label, people); of != 0 {
				pair := [2]uint8{self.number, of}
				found[pair] = max(found[pair], v.Gap(from, to))
			}
		}
	}
	return found
}

const (
	// lead is how long a window is watched before something happens in it.
	lead = 1500 * ms
	// aftermath is how long it is watched afterwards.
	aftermath = 6 * time.Second
)

// around judges some pages while something happens, and returns the gaps in their pictures from then on.
func (m *mesh) around(people []*visitor, happens func()) (at time.Time, longest map[[2]uint8]time.Duration) {
	m.Helper()
	var reports []lab.Report
	var watching sync.WaitGroup
	watching.Go(func() { reports = m.judge(lead+aftermath, people) })
	time.Sleep(lead)
	at = time.Now()
	happens()
	watching.Wait()
	return at, gaps(people, reports, at, at.Add(aftermath-500*ms))
}

// frozen says which pairs' pictures stood still for longer than bar beyond what they did in a window in which nothing happened.
func (m *mesh) frozen(people []*visitor, control, during map[[2]uint8]time.Duration, bar time.Duration) (wrong complaints) {
	for _, self := range people {
		for _, of := range people {
			pair := [2]uint8{self.number, of.number}
			if self == of {
				continue
			}
			m.Logf("%v was without a new picture of %v for %v, in the window before %v", self, of, during[pair], control[pair])
			// What is not there at all has no entry.
			if stood, ok := during[pair]; !ok || stood > control[pair]+bar {
				wrong.add("%v was without a new picture of %v for %v (seen: %v), in the window before for %v", self, of, stood, ok, control[pair])
			}
		}
	}
	return wrong
}
