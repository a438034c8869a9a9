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

// meet starts a node and n browsers, each in a region of its own, and brings them into one meeting.
// Page k is of participant k+1, whose name is name(k+1).
func meet(t *testing.T, n int, clock bool) []*lab.Page {
	t.Helper()
	const binary = "../../bin/atoll"
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: make build makes it", err)
	}
	topology := lab.Topology{Regions: []lab.Region{{Name: "hub"}}, Seed: 1}
	for k := range n {
		place := fmt.Sprintf("p%d", k+1)
		topology.Regions = append(topology.Regions, lab.Region{Name: place})
		topology.Links = append(topology.Links, lab.Link{A: "hub", B: place, Impairment: wan.Impairment{Delay: oneWay}})
	}
	l := lab.New(t, topology)
	node, err := l.Node("hub").Start("atoll", binary, "run", "--http", ":8080", "--media", ":10000",
		"--admin", "127.0.0.1:9090", "--data", l.Folder("data"), "--turn", "off", "--mesh", "off")
	if err != nil {
		t.Fatal(err)
	}
	origin := fmt.Sprintf("http://%s:8080", l.Node("hub").Addr())
	if err := node.Ready(20*time.Second, func(ctx context.Context) error {
		_, err := l.Client("p1").Get(ctx, origin+"/about/health")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	pages := make([]*lab.Page, n)
	errs := make([]error, n)
	var joining sync.WaitGroup
	for k := range n {
		joining.Go(func() {
			b, err := l.Browser(l.Client(fmt.Sprintf("p%d", k+1)), lab.BrowserOptions{
				Media: lab.Media{Participant: uint8(k + 1), Clock: clock}, Secure: []string{origin},
			})
			if err == nil {
				pages[k], err = b.Open(fmt.Sprintf("%s/demo#userInfo.displayName=%%22%s%%22", origin, name(uint8(k+1))))
			}
			if err == nil {
				err = pages[k].Click(`[data-testid="join"]`)
			}
			errs[k] = err
		})
	}
	joining.Wait()
	for k, p := range pages {
		if errs[k] != nil {
			t.Fatal(errs[k])
		}
		if err := p.Arrived(n-1, 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	return pages
}

func name(participant uint8) string { return fmt.Sprintf("guest-%d", participant) }

// labelled returns which participant's name a tile shows, 0 for none.
func labelled(label string, n int) uint8 {
	for k := range uint8(n) {
		if strings.Contains(label, name(k+1)) {
			return k + 1
		}
	}
	return 0
}

func TestMeetingOfFiles(t *testing.T) {
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			pages := meet(t, n, false)
			for k, report := range judgeAll(t, pages, 6*time.Second) {
				self := uint8(k + 1)
				seen, heard := map[uint8]bool{}, map[uint8]bool{}
				for _, v := range report.Remote() {
					of := labelled(v.Label, n)
					id, share := v.Identity()
					t.Logf("%s sees %s: identity %d (%.2f of %d), %dx%d, %.0f fps of %.0f", name(self), v.Label, id, share, len(v.Samples),
						v.Width, v.Height, v.FPS(), v.Decoded)
					if id != of || share < 0.9 || len(v.Samples) == 0 {
						t.Errorf("%s: the tile %q shows %d in %.2f of %d pictures", name(self), v.Label, id, share, len(v.Samples))
					}
					if v.FPS() < 20 {
						t.Errorf("%s: %q has %.0f frames a second, want 20 or more", name(self), v.Label, v.FPS())
					}
					seen[of] = true
				}
				for _, s := range report.Sounds {
					of := labelled(s.Label, n)
					if !s.Remote || !s.Playing {
						continue
					}
					for other := range uint8(n) {
						if got, want := s.Hears(other+1), other+1 == of; got != want {
							t.Errorf("%s: in the sound of %q hears the tone of %d: %v, want %v", name(self), s.Label, other+1, got, want)
						}
					}
					heard[of] = true
				}
				if len(seen) != n-1 || seen[self] || seen[0] || len(heard) != n-1 || heard[self] || heard[0] {
					t.Errorf("%s sees %v and hears %v, want each other once", name(self), seen, heard)
				}
			}
			chat(t, pages)
		})
	}
}

func TestMeetingOfClocks(t *testing.T) {
	const n = 2
	pages := meet(t, n, true)
	for k, report := range judgeAll(t, pages, 8*time.Second) {
		if got := len(report.Remote()); got != n-1 {
			t.Errorf("%s sees %d others", name(uint8(k+1)), got)
		}
		for _, v := range report.Remote() {
			age, ok := v.Latency()
			t.Logf("%s sees %s: median %v of %d, %.0f fps", name(uint8(k+1)), v.Label, age, len(v.Samples), v.FPS())
			if limit := 2*oneWay + 120*ms; !ok || age < 2*oneWay || age > limit {
				t.Errorf("%s: pictures of %q are %v old (%v), want %v to %v", name(uint8(k+1)), v.Label, age, ok, 2*oneWay, limit)
			}
			if who, ok := v.Colour(1, 2); !ok || who != labelled(v.Label, n) {
				t.Errorf("the tile %q has the colour %v of %d (%v)", v.Label, v.Mean, who, ok)
			}
		}
	}
}

// judgeAll judges all pages in the same window.
func judgeAll(t *testing.T, pages []*lab.Page, window time.Duration) []lab.Report {
	t.Helper()
	reports := make([]lab.Report, len(pages))
	errs := make([]error, len(pages))
	var judging sync.WaitGroup
	for k, p := range pages {
		judging.Go(func() { reports[k], errs[k] = p.Judge(window) })
	}
	judging.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return reports
}

// chat lets everybody say something and waits until everybody has read everything.
func chat(t *testing.T, pages []*lab.Page) {
	t.Helper()
	const input = "[data-testid=chat-input]"
	for k, p := range pages {
		if err := p.Fill(input, "hello from "+name(uint8(k+1))); err != nil {
			t.Fatal(err)
		}
		if err := p.Press(input, "Enter"); err != nil {
			t.Fatal(err)
		}
	}
	for k := range pages {
		for _, p := range pages {
			said := fmt.Sprintf(`[...document.querySelectorAll('[data-testid=chat-message]')].some(
				(m) => m.innerText.includes('hello from %s'))`, name(uint8(k+1)))
			if err := p.Wait(said, 10*time.Second); err != nil {
				t.Error(err)
			}
		}
	}
}
