//go:build lab && linux

package lab_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// smooth is the bar for pictures between two Chromium, in frames a second.
func smooth(guest, guest) float64 { return 20 }

// TestMeetingOfFiles is three participants, of whom two stay.
func TestMeetingOfFiles(t *testing.T) {
	m := meet(t, make([]guest, 3))
	m.judged(10*time.Second, m.meets(smooth))
	m.chat("three")
	if err := m.pages[2].Click("[data-testid=leave]"); err != nil {
		t.Fatal(err)
	}
	m.guests, m.pages = m.guests[:2], m.pages[:2]
	for _, p := range m.pages {
		if err := p.Wait("document.querySelectorAll('[data-endpoint]:not([data-local])').length === 1", 10*time.Second); err != nil {
			t.Error(err)
		}
	}
	m.judged(10*time.Second, m.meets(smooth))
	m.chat("two")
}

// TestMeetingOfClocks is two participants whose pictures tell their age, first in fair weather.
func TestMeetingOfClocks(t *testing.T) {
	clock := guest{media: lab.Media{Clock: true}}
	m := meet(t, []guest{clock, clock})
	t.Run("fair", func(t *testing.T) { m.in(t).clocks() })
	t.Run("changing", func(t *testing.T) { m.in(t).weather() })
}

// in is the same meeting in a part of the test.
func (m *meeting) in(t *testing.T) *meeting {
	part := *m
	part.T = t
	return &part
}

func (m *meeting) clocks() {
	m.Helper()
	m.judged(10*time.Second, func(reports []lab.Report, share float64) (wrong complaints) {
		for k, report := range reports {
			self := name(uint8(k + 1))
			if got := len(report.Remote()); got != 1 {
				wrong.add("%s sees %d others", self, got)
			}
			for _, v := range report.Remote() {
				age, ok := v.Latency()
				m.Logf("%s sees %s: median %v of %d, %.0f fps", self, v.Label, age, len(v.Samples), v.FPS())
				if limit := 2*oneWay + late(share); !ok || age < 2*oneWay || age > limit {
					wrong.add("%s: pictures of %q are %v old (%v), want %v to %v", self, v.Label, age, ok, 2*oneWay, limit)
				}
				if who, ok := v.Colour(1, 2); !ok || who != m.labelled(v.Label) {
					wrong.add("the tile %q has the colour %v of %d (%v)", v.Label, v.Mean, who, ok)
				}
			}
		}
		return wrong
	})
}

// screenShown is what a shared screen's picture is known by.
const screenShown = 9

// TestMeetingOfEveryClient is four participants that have little in common: by file and by canvas, behind a NAT, without IPv4,
// Chromium and Firefox.
func TestMeetingOfEveryClient(t *testing.T) {
	// Four tiles of more than 200 lines, so that pages ask for 360, and no larger: a browser without a graphics processor spends
	// more on painting a large page than on decoding.
	small := lab.Window{Width: 800, Height: 600}
	m := meet(t, []guest{
		{window: small, media: lab.Media{Screen: screenShown}},
		{window: small, nat: true},
		{window: small, v6: true},
		{window: small, engine: "firefox"},
	})
	bar := func(from, to guest) float64 {
		if from.engine == "firefox" || to.engine == "firefox" {
			return 15
		}
		return 20
	}
	m.judged(10*time.Second, m.meets(bar))
	m.transports()
	m.chat("hello")
	m.share()
}

// transports checks that the ones behind a NAT and without IPv4 are what they are said to be.
func (m *meeting) transports() {
	m.Helper()
	// A pair that is being checked again is for a moment not "succeeded".
	const selected = `(async () => {
		for (let tries = 0; tries < 50; tries++) {
			for (const c of atollLab.connections) {
				if (c.connectionState !== 'connected') continue;
				const stats = await c.getStats();
				for (const s of stats.values()) {
					if (s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded') return stats.get(s.remoteCandidateId).address;
				}
			}
			await new Promise((done) => setTimeout(done, 100));
		}
		return 'nowhere';
	})()`
	for k, g := range m.guests {
		var address string
		if err := m.pages[k].Eval(selected, &address); err != nil {
			m.Error(err)
			continue
		}
		hub := m.lab.Node("hub")
		m.Logf("%s sends its media to %s", name(uint8(k+1)), address)
		if g.v6 && address != hub.Addr6().String() || !g.v6 && address != hub.Addr().String() && address != hub.Addr6().String() {
			m.Errorf("%s (%+v) sends its media to %s", name(uint8(k+1)), g, address)
		}
	}
}

// share lets the first guest share its screen, which everybody has to see beside its camera.
func (m *meeting) share() {
	m.Helper()
	if err := m.pages[0].Click("[data-testid=share]"); err != nil {
		m.Fatal(err)
	}
	for _, p := range m.pages[1:] {
		if err := p.Wait("[...document.querySelectorAll('[data-screen] video')].some((v) => v.videoWidth > 0)", 20*time.Second); err != nil {
			m.Error(err)
		}
	}
	m.judged(6*time.Second, func(reports []lab.Report, _ float64) (wrong complaints) {
		for k, report := range reports[1:] {
			self := name(uint8(k + 2))
			screens, cameras := 0, 0
			for _, v := range report.Remote() {
				id, share := v.Identity()
				want := m.labelled(v.Label)
				if !v.Screen {
					cameras++
				} else {
					screens++
					m.Logf("%s sees a screen of %q: identity %d (%.2f of %d), %dx%d, %.0f fps", self, v.Label, id, share, len(v.Samples), v.Width, v.Height, v.FPS())
					if want != 1 {
						wrong.add("%s: %q shares a screen, want %s", self, v.Label, name(1))
					}
					want = screenShown
				}
				wrong.identity(fmt.Sprintf("%s: the tile %q (screen %v)", self, v.Label, v.Screen), v, want)
				if len(v.Samples) < 5 {
					wrong.add("%s: the tile %q (screen %v) shows %d pictures", self, v.Label, v.Screen, len(v.Samples))
				}
			}
			if screens != 1 || cameras != len(m.guests)-1 {
				wrong.must("%s sees %d screens and %d cameras, want 1 and %d", self, screens, cameras, len(m.guests)-1)
			}
		}
		return wrong
	})
}
