//go:build lab && linux

package lab_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// oneWay is the delay between every participant and the node.
const oneWay = 40 * ms

// guest is a participant and where it is. Guest k, from 1, is participant k with its picture and tone.
type guest struct {
	engine string // chromium when empty
	nat    bool   // behind a NAT
	v6     bool   // without IPv4
	media  lab.Media
	window lab.Window
}

// meeting is a node and its guests in one room. Page k is that of guest k+1.
type meeting struct {
	*testing.T
	lab    *lab.Lab
	node   *lab.Process
	guests []guest
	pages  []*lab.Page
}

func place(participant int) string { return fmt.Sprintf("p%d", participant) }

func name(participant uint8) string { return fmt.Sprintf("guest-%d", participant) }

// program is the node that is tested.
func program(t *testing.T) string {
	t.Helper()
	path := "../../bin/atoll"
	if other := os.Getenv("ATOLL_LAB_BINARY"); other != "" {
		path = other
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: make build makes it", err)
	}
	return path
}

// meet starts a node and a browser per guest, each in a region of its own, and brings them into one meeting. Parameters are
// those of the page's link.
func meet(t *testing.T, guests []guest, parameters ...string) *meeting {
	t.Helper()
	begun := time.Now()
	topology := lab.Topology{Regions: []lab.Region{{Name: "hub"}}, Seed: 1}
	for k, g := range guests {
		topology.Regions = append(topology.Regions, lab.Region{Name: place(k + 1), NAT: g.nat, V6Only: g.v6})
		topology.Links = append(topology.Links, lab.Link{A: "hub", B: place(k + 1), Impairment: wan.Impairment{Delay: oneWay}})
	}
	m := &meeting{T: t, lab: lab.New(t, topology), guests: guests, pages: make([]*lab.Page, len(guests))}
	var err error
	m.node, err = m.lab.Node("hub").Start("atoll", program(t), "run", "--http", ":8080", "--media", ":10000",
		"--admin", "127.0.0.1:9090", "--data", m.lab.Folder("data"), "--turn", "off", "--mesh", "off")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.node.Ready(20*time.Second, func(ctx context.Context) error {
		_, err := m.lab.Node("hub").Get(ctx, m.origin(guest{})+"/about/health")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	errs := make([]error, len(guests))
	var joining sync.WaitGroup
	for k := range guests {
		joining.Go(func() { errs[k] = m.join(k, parameters) })
	}
	joining.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range m.pages {
		if err := p.Arrived(len(guests)-1, 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("all see all after %.1f s", time.Since(begun).Seconds())
	return m
}

// join lets guest k+1 come in through the page before the meeting.
func (m *meeting) join(k int, parameters []string) error {
	g := m.guests[k]
	region := place(k + 1)
	namespace := m.lab.Client(region)
	if g.nat {
		namespace = m.lab.NATClient(region)
	}
	g.media.Participant = uint8(k + 1)
	b, err := m.lab.Browser(namespace, lab.BrowserOptions{
		Engine: g.engine, Media: g.media, Secure: []string{m.origin(g)}, Window: g.window,
	})
	if err != nil {
		return err
	}
	link := fmt.Sprintf(`%s/demo#userInfo.displayName=%%22%s%%22`, m.origin(g), name(uint8(k+1)))
	m.pages[k], err = b.Open(strings.Join(append([]string{link}, parameters...), "&"))
	if err != nil {
		return err
	}
	return m.pages[k].Click(`[data-testid="join"]`)
}

// origin is how a guest reaches the node.
func (m *meeting) origin(g guest) string {
	if g.v6 {
		return fmt.Sprintf("http://[%s]:8080", m.lab.Node("hub").Addr6())
	}
	return fmt.Sprintf("http://%s:8080", m.lab.Node("hub").Addr())
}

// labelled returns which guest's name a tile shows, 0 for none.
func (m *meeting) labelled(label string) uint8 {
	for k := range uint8(len(m.guests)) {
		if strings.Contains(label, name(k+1)) {
			return k + 1
		}
	}
	return 0
}

// judged judges all pages.
func (m *meeting) judged(window time.Duration, verdict verdict) {
	m.Helper()
	judged(m.T, m.lab, func() []lab.Report { return m.judge(window) }, verdict)
}

// judge judges all pages in the same window.
func (m *meeting) judge(window time.Duration) []lab.Report {
	m.Helper()
	reports := make([]lab.Report, len(m.pages))
	errs := make([]error, len(m.pages))
	var judging sync.WaitGroup
	for k, p := range m.pages {
		judging.Go(func() { reports[k], errs[k] = p.Judge(window) })
	}
	judging.Wait()
	for _, err := range errs {
		if err != nil {
			m.Fatal(err)
		}
	}
	return reports
}

// meets checks that everybody sees and hears each other, in the tiles with their names, with at least as many frames a second.
func (m *meeting) meets(fps func(from, to guest) float64) verdict {
	return func(reports []lab.Report, share float64) (wrong complaints) {
		for k, report := range reports {
			self := uint8(k + 1)
			seen, heard := map[uint8]bool{}, map[uint8]bool{}
			for _, v := range report.Remote() {
				of := m.labelled(v.Label)
				if v.Screen || of == 0 {
					continue
				}
				id, sure := v.Identity()
				sent := reports[of-1].Sent()
				m.Logf("%s sees %s: identity %d (%.2f of %d), %s %dx%d, %.0f fps of %.0f, %.1f received of %.1f, %d lost", name(self), name(of), id, sure,
					len(v.Samples), v.Last.Codec, v.Width, v.Height, v.FPS(), v.Decoded, v.Received, sent, v.Last.PacketsLost)
				wrong.identity(fmt.Sprintf("%s: the tile of %s", name(self), name(of)), v, of)
				if len(v.Samples) < 10 {
					wrong.add("%s: the tile of %s shows %d pictures", name(self), name(of), len(v.Samples))
				}
				wrong.rate(name(self)+": "+name(of), v, sent, fps(m.guests[of-1], m.guests[k]), share)
				seen[of] = true
			}
			for _, s := range report.Sounds {
				of := m.labelled(s.Label)
				if !s.Remote || !s.Playing {
					continue
				}
				for other := range uint8(len(m.guests)) {
					if got, want := s.Hears(other+1), other+1 == of; got != want {
						wrong.add("%s: in the sound of %q hears the tone of %d: %v, want %v", name(self), s.Label, other+1, got, want)
					}
				}
				heard[of] = true
			}
			if n := len(m.guests) - 1; len(seen) != n || seen[self] || len(heard) != n || heard[self] || heard[0] {
				wrong.must("%s sees %v and hears %v, want each other once", name(self), seen, heard)
			}
		}
		return wrong
	}
}

// chat lets everybody say something that was not said before and waits until everybody has read everything.
func (m *meeting) chat(topic string) {
	m.Helper()
	const input = "[data-testid=chat-input]"
	for k, p := range m.pages {
		var open bool
		if err := p.Eval(fmt.Sprintf("!!document.querySelector(%q)", input), &open); err != nil {
			m.Fatal(err)
		}
		if !open {
			if err := p.Click("[data-testid=chat]"); err != nil {
				m.Fatal(err)
			}
		}
		if err := p.Fill(input, topic+" from "+name(uint8(k+1))); err != nil {
			m.Fatal(err)
		}
		if err := p.Press(input, "Enter"); err != nil {
			m.Fatal(err)
		}
	}
	for k := range m.pages {
		for _, p := range m.pages {
			said := fmt.Sprintf(`[...document.querySelectorAll('[data-testid=chat-message]')].some(
				(m) => m.innerText.includes('%s from %s'))`, topic, name(uint8(k+1)))
			if err := p.Wait(said, 10*time.Second); err != nil {
				m.Error(err)
			}
		}
	}
	for _, p := range m.pages { // an open chat may take the place of pictures
		if err := p.Click("[data-testid=chat]"); err != nil {
			m.Fatal(err)
		}
	}
}
