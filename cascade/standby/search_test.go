package standby

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

// world is a cluster as a search sees it: who is dead, who has the session, who points where, who keeps a record of whom.
type world struct {
	token  session.Token
	nodes  []identity.Name
	dead   map[identity.Name]bool
	slow   map[identity.Name]bool // does not answer
	holder identity.Name
	trail  map[identity.Name]identity.Name
	record map[identity.Name]identity.Name // standby to holder
}

func newWorld(nodes ...identity.Name) *world {
	return &world{
		token: tokenOf(nodeA, 1), nodes: nodes, dead: make(map[identity.Name]bool), slow: make(map[identity.Name]bool),
		trail: make(map[identity.Name]identity.Name), record: make(map[identity.Name]identity.Name),
	}
}

func (w *world) view() View {
	alive := slices.DeleteFunc(slices.Clone(w.nodes), func(n identity.Name) bool { return w.dead[n] })
	return View{Alive: alive, Standbys: alive}
}

// keepAs makes the record where the holder pushes it.
func (w *world) keepAs(holder identity.Name) identity.Name {
	at := Choose(w.token.Address, w.view().Standbys, []identity.Name{holder})[0]
	w.record[at] = holder
	return at
}

// answer is what a node says, as its driver does.
func (w *world) answer(n identity.Name, without []identity.Name) (wire.SoughtCode, identity.Name) {
	if n == w.holder {
		return wire.SoughtSent, ""
	}
	if to := w.trail[n]; to != "" && !slices.Contains(without, to) {
		return wire.SoughtAt, to
	}
	if holder := w.record[n]; holder != "" {
		if !w.dead[holder] && !slices.Contains(without, holder) {
			return wire.SoughtAt, holder
		}
		return wire.SoughtRecord, ""
	}
	return wire.SoughtUnknown, ""
}

// run searches from a node and returns what came out, how long it took, and who was asked.
func (w *world) run(t interface{ Fatalf(string, ...any) }, from identity.Name) (State, time.Duration, []identity.Name) {
	s := NewSearch(from, w.token)
	now := start
	var asked []identity.Name
	for range 50 {
		ask, until := s.Next(now, w.view())
		switch {
		case s.State() != Searching:
			return s.State(), now.Sub(start), asked
		case ask == "":
			now = until
			continue
		}
		asked = append(asked, ask)
		if w.dead[ask] {
			t.Fatalf("asks %s, which is dead", ask)
		}
		if w.slow[ask] {
			continue
		}
		now = now.Add(10 * time.Millisecond)
		code, at := w.answer(ask, s.Without())
		s.Answer(ask, code, at)
	}
	t.Fatalf("no end: %v", asked)
	return 0, 0, nil
}

func TestSearch(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(w *world)
		want    State
		within  time.Duration
	}{
		"with its first holder": {func(w *world) { w.holder = nodeA }, Here, 20 * time.Millisecond},
		"moved":                 {func(w *world) { w.holder, w.trail[nodeA] = nodeB, nodeB }, Here, 30 * time.Millisecond},
		"moved twice": {func(w *world) {
			w.holder, w.trail[nodeA], w.trail[nodeB] = nodeD, nodeB, nodeD
		}, Here, 40 * time.Millisecond},
		"holder dead":            {func(w *world) { w.keepAs(nodeA); w.dead[nodeA] = true }, Found, 30 * time.Millisecond},
		"holder does not answer": {func(w *world) { w.keepAs(nodeA); w.slow[nodeA] = true }, Found, patience + 40*time.Millisecond},
		"holder began anew":      {func(w *world) { w.keepAs(nodeA) }, Found, 50 * time.Millisecond},
		"moved, then its holder died": {func(w *world) {
			w.keepAs(nodeB)
			w.trail[nodeA], w.dead[nodeB] = nodeB, true
		}, Found, 40 * time.Millisecond},
		"moved, and its maker is gone": {func(w *world) {
			w.keepAs(nodeB)
			w.holder, w.dead[nodeA] = nodeB, true
		}, Here, 40 * time.Millisecond},
		"nobody keeps it":     {func(w *world) { w.dead[nodeA] = true }, Unknown, 40 * time.Millisecond},
		"nobody has it":       {func(*world) {}, Unknown, 50 * time.Millisecond},
		"pointed in a circle": {func(w *world) { w.trail[nodeA], w.trail[nodeB] = nodeB, nodeA }, Unknown, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			for _, from := range []identity.Name{nodeC, nodeD, nodeB} {
				w := newWorld(nodeA, nodeB, nodeC, nodeD)
				c.arrange(w)
				if w.dead[from] || w.holder == from || w.trail[from] != "" {
					continue
				}
				got, took, asked := w.run(t, from)
				if got != c.want || took > c.within {
					t.Errorf("from %s: %d after %v, want %d within %v; asked %v", from, got, took, c.want, c.within, asked)
				}
			}
		})
	}
}

// TestSearchByToken: only the ends of it matter that say more than "ask somebody else".
func TestSearchEnds(t *testing.T) {
	view := View{Alive: []identity.Name{nodeA, nodeB}, Standbys: []identity.Name{nodeA, nodeB}}
	s := NewSearch(nodeB, tokenOf(nodeA, 1))
	s.Next(start, view)
	s.Answer(nodeB, wire.SoughtUnknown, "")
	s.Next(start, view)
	s.Answer(nodeB, wire.SoughtRefused, "") // not awaited
	if s.State() != Searching {
		t.Error("an answer counts that was not asked for")
	}
	s.Answer(nodeA, wire.SoughtRefused, "")
	if s.State() != Refused {
		t.Errorf("a forged token ends in %d", s.State())
	}

	s = NewSearch(nodeB, tokenOf(nodeA, 1))
	s.Next(start, view)
	s.Answer(nodeB, wire.SoughtUnknown, "")
	s.Next(start, view)
	s.Answer(nodeA, wire.SoughtAt, nodeB) // it came while the question was on its way
	if s.State() != Here {
		t.Errorf("a session that has just come is %d", s.State())
	}
}

// TestSearchAlwaysEnds in a cluster that points anywhere and dies meanwhile, after a bounded number of questions and waits.
func TestSearchAlwaysEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var nodes []identity.Name
		for i := range rapid.IntRange(1, 9).Draw(t, "nodes") {
			nodes = append(nodes, identity.Name(fmt.Sprintf("aaaaaaaaa%c", 'a'+i)))
		}
		w := newWorld(nodes...)
		w.token = tokenOf(nodes[0], 1)
		some := func(what string) identity.Name { return rapid.SampledFrom(nodes).Draw(t, what) }
		for range rapid.IntRange(0, 5).Draw(t, "pointers") {
			w.trail[some("from")] = some("to")
		}
		for range rapid.IntRange(0, 3).Draw(t, "records") {
			w.record[some("standby")] = some("holder")
		}
		for range rapid.IntRange(0, 3).Draw(t, "deaths") {
			w.dead[some("dead")] = true
			w.slow[some("slow")] = true
		}
		from := some("searcher")
		delete(w.dead, from)
		delete(w.slow, from)
		_, took, asked := w.run(t, from)
		if len(asked) > asks || took > asks*patience+time.Second {
			t.Fatalf("asked %v for %v", asked, took)
		}
	})
}
