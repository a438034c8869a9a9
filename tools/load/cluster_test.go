//go:build load

package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

const (
	crowd    = 100 // participants
	beacons  = 30  // of them send audio and video
	pictures = 3   // that each asks for
	joinBar  = 15 * time.Second
	// settling bounds how long wants may take to travel, and the pictures to come.
	settling = 20 * time.Second
	// listening is the window in which everything that was asked for comes, and nothing else.
	listening = 3 * time.Second
)

// attendee is one of the crowd.
type attendee struct {
	*participant.Participant
	at    int // its node
	roll  *load.Roll
	asked map[string]bool // sources
}

// A hundred join one room over three nodes. All beacons send with the same SSRCs: numbers belong to their participant alone.
func TestHundredGetWhatTheyAskForOverThreeNodes(t *testing.T) {
	cluster, err := load.StartCluster(t.Context(), binary(t), 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, n := range cluster.Nodes {
				t.Logf("%s said:\n%s", n.Admin, n.Log())
			}
		}
	})
	all := gather(t, cluster)
	t.Cleanup(func() {
		each(all, func(a *attendee) error {
			a.Leave()
			return nil
		})
	})
	sending, stop := context.WithCancel(t.Context())
	var beaming sync.WaitGroup
	defer beaming.Wait()
	defer stop()
	for _, a := range all[:beacons] {
		beaming.Go(func() {
			if err := load.NewBeacon(a.Endpoint(), 1, 2).Send(sending, a.Transport()); err != nil && sending.Err() == nil {
				t.Errorf("participant at node %d: %v", a.at+1, err)
			}
		})
	}
	if err := ask(all); err != nil {
		t.Fatal(err)
	}

	asked := time.Now()
	for deadline := asked.Add(settling); ; pause(t, time.Second) {
		each(all, func(a *attendee) error { a.roll.Take(); return nil })
		pause(t, time.Second)
		wrong := complaints(all)
		if len(wrong) == 0 {
			t.Logf("all get what they asked for %.1f s later", time.Since(asked).Seconds())
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v %d of %d do not get what they asked for:\n%s", settling, len(wrong), crowd, strings.Join(wrong[:min(len(wrong), 5)], "\n"))
		}
	}
	each(all, func(a *attendee) error { a.roll.Take(); return nil })
	pause(t, listening)
	for _, c := range complaints(all) {
		t.Error(c)
	}
	twice, foreign := 0, 0
	for _, a := range all {
		twice += a.roll.Twice()
		foreign += a.roll.Foreign()
		if err := a.Err(); err != nil {
			t.Error(err)
		}
	}
	if twice != 0 || foreign != 0 {
		t.Errorf("%d packets came twice, %d are nobody's", twice, foreign)
	}
	oncePerLink(t, cluster)
}

// gather lets everybody join, a third at each node, and checks how long it takes until all have media.
func gather(t *testing.T, cluster *load.Cluster) []*attendee {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*joinBar)
	defer cancel()
	all := make([]*attendee, crowd)
	for i := range all {
		all[i] = &attendee{at: i % len(cluster.Nodes), roll: load.NewRoll(), asked: map[string]bool{}}
	}
	begun := time.Now()
	errs := each(all, func(a *attendee) error {
		cfg := participant.Config{
			URL: cluster.Nodes[a.at].URL, Domain: cluster.Nodes[a.at].Domain, Room: "crowd", Name: fmt.Sprintf("at %d", a.at+1), OnRTP: a.roll.RTP,
		}
		if slices.Index(all, a) < beacons {
			cfg.SSRCs = participant.SSRCs{Audio: 1, Video: []uint32{2}, RTX: []uint32{3}}
		}
		var err error
		if a.Participant, err = participant.Join(ctx, cfg); err != nil {
			return err
		}
		return a.AwaitMedia(ctx)
	})
	took := time.Since(begun)
	if errs != nil {
		for _, a := range all {
			if a.Participant != nil {
				a.Leave()
			}
		}
		t.Fatalf("after %v: %v", took, errs[0])
	}
	t.Logf("%d participants have media after %.1f s", crowd, took.Seconds())
	if took > joinBar {
		t.Errorf("joining took %v, want %v or less", took, joinBar)
	}
	return all
}

// ask chooses pictures for everybody, of all nodes in turn: every picture is wanted by ten.
func ask(all []*attendee) error {
	for i, a := range all {
		heights := map[string]any{}
		for _, b := range all[:beacons] {
			if b != a {
				a.asked[b.Endpoint()+"-a0"] = true
			}
		}
		for k := 1; len(heights) < pictures; k++ {
			b := all[(i+7*k)%beacons]
			if b == a {
				continue
			}
			name := b.Endpoint() + "-v0"
			heights[name] = map[string]any{"maxHeight": 180}
			a.asked[name] = true
		}
		err := a.Bridge(map[string]any{
			"colibriClass": "ReceiverVideoConstraints", "lastN": -1, "defaultConstraints": map[string]any{"maxHeight": 0}, "constraints": heights,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// complaints says whose pictures and sounds, by what the payloads say, are not those that were asked for, or came under a number
// that the bridge channel says is another's.
func complaints(all []*attendee) (wrong []string) {
	for i, a := range all {
		mapped, heard := a.State().Maps, map[string]bool{}
		for h := range a.roll.Take() {
			heard[h.Source] = true
			if m, ok := mapped[h.SSRC]; !ok || m.Source != h.Source {
				wrong = append(wrong, fmt.Sprintf("participant %d at node %d: %s on %d, which the map says is %q", i, a.at+1, h.Source, h.SSRC, m.Source))
			}
		}
		if !maps.Equal(heard, a.asked) {
			wrong = append(wrong, fmt.Sprintf("participant %d at node %d: lacks %v, was not to get %v", i, a.at+1, minus(a.asked, heard), minus(heard, a.asked)))
		}
	}
	return wrong
}

func minus(all, without map[string]bool) []string {
	rest := maps.Clone(all)
	for name := range without {
		delete(rest, name)
	}
	return slices.Sorted(maps.Keys(rest))
}

// oncePerLink checks that no node hands a source to another twice, nor back to where it is from.
func oncePerLink(t *testing.T, cluster *load.Cluster) {
	t.Helper()
	for _, n := range cluster.Nodes {
		var list struct {
			Rooms []struct {
				Participants []any `json:"participants"`
				Sources      []struct {
					Name      string   `json:"name"`
					Node      string   `json:"node"`
					RelayedTo []string `json:"relayed_to"`
				} `json:"sources"`
			} `json:"rooms"`
		}
		if err := json.Unmarshal(get(t, n, "/api/v1/rooms"), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Rooms) != 1 || len(list.Rooms[0].Participants) != crowd || len(list.Rooms[0].Sources) != 2*beacons {
			t.Errorf("%s: %d rooms; want one with %d participants and %d sources", n.Admin, len(list.Rooms), crowd, 2*beacons)
			continue
		}
		for _, s := range list.Rooms[0].Sources {
			to := slices.Sorted(slices.Values(s.RelayedTo))
			if len(slices.Compact(slices.Clone(to))) != len(to) || slices.Contains(to, s.Node) {
				t.Errorf("%s hands %s of %s to %v", n.Admin, s.Name, s.Node, to)
			}
		}
	}
}

// each calls f for everybody, sixteen at a time, and returns what failed.
func each(all []*attendee, f func(*attendee) error) (errs []error) {
	var mu sync.Mutex
	var working sync.WaitGroup
	slots := make(chan struct{}, 16)
	for _, a := range all {
		slots <- struct{}{}
		working.Go(func() {
			defer func() { <-slots }()
			if err := f(a); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	return errs
}
