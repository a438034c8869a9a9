package bench

import (
	"fmt"
	"slices"
)

// Scenario is who sends what to whom.
type Scenario struct {
	Name      string `json:"name"`
	Senders   int    `json:"senders"`   // who send, and get what the other senders send
	Receivers int    `json:"receivers"` // who only receive
	Mute      bool   `json:"audio_only,omitempty"`
	Encodings int    `json:"encodings"`
	Trace     string `json:"packets"` // where sizes and times of the video's packets are from: "equal", "vp8", "av1"
	Nodes     int    `json:"nodes"`   // of the cluster; with two, who only receives is at the second
	// Bar is what the node may spend in what plain pion without interceptors spends, 0 for no limit.
	Bar float64 `json:"bar,omitempty"`
	// LatencyBar is the same for the 99th percentile of latency.
	LatencyBar float64 `json:"latency_bar,omitempty"`
}

// people returns how many there are in the room.
func (s Scenario) people() int { return s.Senders + s.Receivers }

// listeners returns how many get what one sender sends.
func (s Scenario) listeners() int { return s.people() - 1 }

// of returns the servers that can play the scenario.
func (s Scenario) of(kinds []Kind) []Kind {
	if s.Nodes == 1 {
		return kinds
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return k != Node })
}

func (s Scenario) plan() (plan, error) {
	if s.Mute {
		return plan{}, nil
	}
	switch s.Trace {
	case "equal":
		return equal(s.Encodings), nil
	}
	return plan{}, fmt.Errorf("scenario %s: no packets %q", s.Name, s.Trace)
}

func toMany(n int) Scenario {
	return Scenario{Name: fmt.Sprintf("1-to-%d", n), Senders: 1, Receivers: n, Encodings: 1, Trace: "equal", Nodes: 1}
}

func amongAll(n int) Scenario {
	return Scenario{Name: fmt.Sprintf("%d-all-to-all", n), Senders: n, Encodings: 1, Trace: "equal", Nodes: 1}
}

func (s Scenario) barred(cpu, latency float64) Scenario {
	s.Bar, s.LatencyBar = cpu, latency
	return s
}

// Quick are the scenarios of the short run.
func Quick() []Scenario {
	return []Scenario{toMany(50).barred(0.5, 0), amongAll(10).barred(0.5, 0)}
}

// Choose returns the scenarios of those names, of the short run or of the long one.
func Choose(quick bool, names []string) ([]Scenario, error) {
	all := Quick()
	if len(names) == 0 {
		return all, nil
	}
	var some []Scenario
	for _, name := range names {
		i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q", name)
		}
		some = append(some, all[i])
	}
	return some, nil
}

// Kinds returns the servers of those names, by default those of the short run or of the long one.
func Kinds(quick bool, names []string) (kinds []Kind, err error) {
	all := []Kind{Node, Plain, Interceptors, Janus}
	if len(names) == 0 && quick {
		return all[:2], nil
	}
	for _, name := range names {
		if !slices.Contains(all, Kind(name)) {
			return nil, fmt.Errorf("there is no server %q", name)
		}
		kinds = append(kinds, Kind(name))
	}
	if kinds == nil {
		kinds = all
	}
	return kinds, nil
}
