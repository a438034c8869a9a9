package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// window costs us microseconds per packet.
func window(us int64) Window {
	const packets = 20_000
	return Window{CPU: time.Duration(us) * packets * time.Microsecond, Elapsed: 4 * time.Second, Sent: packets / 20, Expected: packets, Delivered: packets}
}

func TestStarvedWindowsDoNotCount(t *testing.T) {
	if why := window(5).starved(); why != "" {
		t.Errorf("a full window: %s", why)
	}
	late := window(5)
	late.Slipped = 100 * time.Millisecond
	lost := window(5)
	lost.Delivered = lost.Delivered * 985 / 1000
	slow := window(5)
	slow.P50 = 30 * time.Millisecond
	for what, w := range map[string]Window{"late": late, "lossy": lost, "slow": slow, "empty": {}} {
		if w.starved() == "" {
			t.Errorf("a window that is %s counts", what)
		}
	}
}

func TestRange(t *testing.T) {
	if got, want := rangeOf([]float64{9, 1, 5}), (Range[float64]{1, 5, 9}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := rangeOf([]float64{8, 2, 100, 4}).Median; got != 6 {
		t.Errorf("median of four is %v", got)
	}
	if got := rangeOf([]float64(nil)); got != (Range[float64]{}) {
		t.Errorf("nothing is %+v", got)
	}
}

func result(kind Kind, counted int, us int64) Result {
	d := time.Duration(us) * time.Microsecond
	return Result{Server: kind, Counted: counted, CPU: Range[time.Duration]{d, d, d}, P99: d}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name    string
		results []Result
		missed  int
	}{
		{"cheap", []Result{result(Node, 5, 3), result(Plain, 5, 10), result(Janus, 5, 30)}, 0},
		{"dear", []Result{result(Node, 5, 6), result(Plain, 5, 10)}, 2},
		{"no control", []Result{result(Node, 5, 3), result(Janus, 5, 10)}, 2},
		{"control starved", []Result{result(Node, 5, 3), result(Plain, 2, 10)}, 2},
	} {
		o := Outcome{Scenario: Scenario{Name: c.name, Bar: 0.5, LatencyBar: 0.5}, Results: c.results}
		o.judge()
		if len(o.Missed) != c.missed {
			t.Errorf("%s: %q", c.name, o.Missed)
		}
		if got := (Report{Outcomes: []Outcome{o}}).Missed(); len(got) != c.missed || c.missed > 0 && !strings.HasPrefix(got[0], c.name+": ") {
			t.Errorf("%s: the report says %q", c.name, got)
		}
	}
	starved := result(Node, 2, 3)
	starved.Unfinished = "2 of 6"
	o := Outcome{Scenario: Scenario{Bar: 0.5}, Results: []Result{starved, result(Plain, 5, 10)}}
	if o.judge(); len(o.Missed) != 1 {
		t.Errorf("a node that starved: %q", o.Missed)
	}
}

func TestVerdictOfAStorm(t *testing.T) {
	calm, stormy := window(5), window(5)
	calm.P99, stormy.P99 = time.Millisecond, 3*time.Millisecond
	fine := Weather{Rushed: Rushed{All: stormIn}, Calm: calm, Stormy: stormy}
	if got := fine.Missed(); len(got) != 0 {
		t.Errorf("a storm that is fine: %q", got)
	}
	stormy.P99++
	if got := (Weather{Rushed: Rushed{All: stormIn + 1}, Calm: calm, Stormy: stormy}).Missed(); len(got) != 2 {
		t.Errorf("a storm that is not: %q", got)
	}
}

func TestChartIsXML(t *testing.T) {
	o := Outcome{Scenario: Scenario{Name: "1 < 2"}, Results: []Result{result(Node, 5, 3), result(Plain, 5, 10), {Server: Janus}}}
	o.judge()
	var svg bytes.Buffer
	if err := (Report{Version: "a & b", Outcomes: []Outcome{o}}).Chart(&svg); err != nil {
		t.Fatal(err)
	}
	bars := 0
	for d := xml.NewDecoder(&svg); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	if bars != 3 { // and the ground
		t.Errorf("%d bars", bars)
	}
}

func TestScenariosCanBePlayed(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range append(long(), quick()...) {
		if _, err := s.plan(); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		seen[s.Name] = true
	}
	for _, name := range []string{"1-to-20", "1-to-50", "1-to-100", "10-all-to-all", "audio-50-all-to-all", "1-to-50-vp8-3-layers", "1-to-50-relayed"} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	if _, err := Choose(false, []string{"1-to-51"}); err == nil {
		t.Error("a scenario that is not there was found")
	}
}

func TestOfSeveralStormsTheMiddleOneCounts(t *testing.T) {
	windows := func(p99 ...time.Duration) (all []Window) {
		for _, d := range p99 {
			all = append(all, Window{P99: d})
		}
		return all
	}
	if got := middle(windows(9, 1, 5)).P99; got != 5 {
		t.Errorf("%d of 9, 1 and 5", got)
	}
	if got := middle(windows(2)).P99; got != 2 {
		t.Errorf("%d of 2", got)
	}
}
