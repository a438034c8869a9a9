//go:build lab && linux

package lab_test

import (
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// ages returns how old the pictures are that the second guest sees of the first, and the other way round.
func (m *meeting) ages() (forth, back time.Duration) {
	m.Helper()
	reports := m.judge(5 * time.Second)
	age := func(r lab.Report) time.Duration {
		if len(r.Remote()) != 1 {
			m.Fatalf("%d others are seen, want 1", len(r.Remote()))
		}
		v := r.Remote()[0]
		median, ok := v.Latency()
		m.Logf("sees %s %v old, %.0f fps of %.0f", v.Label, median, v.FPS(), v.Decoded)
		if !ok {
			m.Errorf("too few pictures of %s to tell their age", v.Label)
		}
		return median
	}
	return age(reports[1]), age(reports[0])
}

// weather changes the network under two participants who talk: one direction of one link, then none at all.
func (m *meeting) weather() {
	m.Helper()
	forth, back := m.ages()

	const more = 150 * ms
	if err := m.lab.Change(place(1), "hub", func(i *wan.Impairment) { i.Delay += more }); err != nil {
		m.Fatal(err)
	}
	time.Sleep(5 * time.Second) // receivers take the step for jitter and hold pictures back, for a while
	later, same := m.ages()
	if d := later - forth; d < more-60*ms || d < same-back+more/2 {
		m.Errorf("with %v more on the way from the first guest, the second sees it %v later, and is itself seen %v later", more, d, same-back)
	}

	if err := m.lab.Partition("hub", place(1)); err != nil {
		m.Fatal(err)
	}
	time.Sleep(time.Second) // what is on the way and in buffers
	for k, r := range m.judge(3 * time.Second) {
		for _, v := range r.Remote() {
			if v.FPS() > 1 {
				m.Errorf("%s sees %.0f frames a second through a partition", name(uint8(k+1)), v.FPS())
			}
		}
	}
	if err := m.lab.Heal("hub", place(1)); err != nil {
		m.Fatal(err)
	}
	healed := time.Now()
	for {
		reports := m.judge(2 * time.Second)
		flowing := 0
		for _, r := range reports {
			for _, v := range r.Remote() {
				if v.FPS() >= 15 {
					flowing++
				}
			}
		}
		if flowing == 2 {
			m.Logf("pictures flow %.1f s after the partition is healed, at the latest", time.Since(healed).Seconds())
			return
		}
		if time.Since(healed) > 20*time.Second {
			m.Fatalf("%d of 2 pictures flow 20 s after the partition is healed", flowing)
		}
	}
}
