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
	// Without names a server that is not measured: Janus negotiates anew for each pair of people, which takes fifty of them minutes.
	Without Kind `json:"without,omitempty"`
	// Bar is what the node may spend in what plain pion without interceptors spends, 0 for no limit.
	Bar float64 `json:"bar,omitempty"`
	// LatencyBar is the same for the 99th percentile of latency.
	LatencyBar float64 `json:"latency_bar,omitempty"`
}

// Where sizes and times of the video's packets are from.
const (
	Equal = "equal" // 6 packets of 1050 bytes, 30 times a second
	VP8   = "vp8"   // Chromium, simulcast
	AV1   = "av1"   // Chromium, scalable
)

// people returns how many there are in the room.
func (s Scenario) people() int { return s.Senders + s.Receivers }

// listeners returns how many get what one sender sends.
func (s Scenario) listeners() int { return s.people() - 1 }

// of returns the servers that can play the scenario.
func (s Scenario) of(kinds []Kind) []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return s.Nodes > 1 && k != Node || k == s.Without })
}

func (s Scenario) plan() (plan, error) {
	if s.Mute {
		return plan{}, nil
	}
	switch s.Trace {
	case Equal:
		return equal(s.Encodings), nil
	}
	return filmed(s.Trace, s.Encodings)
}

const (
	halfOfPion  = 1.0 / 2
	thirdOfPion = 1.0 / 3
	audioOfPion = 1 / 1.5
)

func toMany(n int, trace string) Scenario {
	return Scenario{Name: named(fmt.Sprintf("1-to-%d", n), trace), Senders: 1, Receivers: n, Encodings: 1, Trace: trace, Nodes: 1}
}

func amongAll(n int, trace string) Scenario {
	return Scenario{Name: named(fmt.Sprintf("%d-all-to-all", n), trace), Senders: n, Encodings: 1, Trace: trace, Nodes: 1}
}

func named(name, trace string) string {
	if trace == Equal {
		return name
	}
	return name + "-" + trace
}

func (s Scenario) barred(cpu, latency float64) Scenario {
	s.Bar, s.LatencyBar = cpu, latency
	return s
}

// quick are the scenarios of the short run.
func quick() []Scenario {
	return []Scenario{toMany(50, Equal).barred(halfOfPion, 0), amongAll(10, Equal).barred(halfOfPion, 0)}
}

// long are those of the long run. Bars are on what browsers send, where browsers' packets are to be had.
func long() []Scenario {
	return []Scenario{
		toMany(20, Equal), toMany(50, Equal), toMany(100, Equal).barred(0, halfOfPion), amongAll(10, Equal),
		toMany(50, VP8).barred(thirdOfPion, 0), amongAll(10, VP8).barred(thirdOfPion, 0),
		{Name: "1-to-50-vp8-3-layers", Senders: 1, Receivers: 50, Encodings: 3, Trace: VP8, Nodes: 1},
		toMany(50, AV1).barred(thirdOfPion, 0),
		{Name: "audio-50-all-to-all", Senders: 50, Mute: true, Nodes: 1, Without: Janus, Bar: audioOfPion},
		{Name: "1-to-50-relayed", Senders: 1, Receivers: 50, Encodings: 1, Trace: Equal, Nodes: 2},
	}
}

// Choose returns the scenarios of those names, of the short run or of the long one.
func Choose(short bool, names []string) ([]Scenario, error) {
	all := long()
	if short {
		all = quick()
	}
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
func Kinds(short bool, names []string) (kinds []Kind, err error) {
	all := []Kind{Node, Plain, Interceptors, Janus}
	if len(names) == 0 && short {
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
