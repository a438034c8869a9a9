package route

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// origins knows sources 0 to 3, each at the node of its number, and sources 5 to 9 at node 0.
func origins(s room.SourceName) (identity.Name, bool) {
	switch i := int(s[7] - '0'); {
	case i < 4:
		return node(i), true
	case i > 4:
		return node(0), true
	}
	return "", false
}

// direct is the state of the links of node 0: up to 1 and 2.
func direct(n identity.Name) bool { return n == node(1) || n == node(2) }

func ask(sub uint32, of, height int, nodes ...int) wire.Subscribe {
	return subscribe(sub, of, height, nodes...).Frame.(wire.Subscribe)
}

// TestServingRefuses: a node serves what is its own, and as a relay what it gets from the origin itself.
func TestServingRefuses(t *testing.T) {
	standby := ask(2, 0, 180, 0, 1)
	standby.Standby = true
	for name, c := range map[string]struct {
		from     int
		f        wire.Subscribe
		code     uint8
		nonsense bool
	}{
		"own":                       {1, ask(2, 0, 180, 0, 1), wire.CodeOK, false},
		"as a relay":                {1, ask(2, 2, 180, 2, 0, 1), wire.CodeOK, false},
		"on standby":                {1, standby, wire.CodeOK, false},
		"unknown":                   {1, ask(2, 4, 180, 0, 1), wire.CodeUnknownSource, false},
		"of another":                {1, ask(2, 2, 180, 0, 1), wire.CodeUnknownSource, false},
		"of another origin":         {1, ask(2, 2, 180, 3, 0, 1), wire.CodeUnknownSource, false},
		"own, with us as a relay":   {1, ask(2, 0, 180, 2, 0, 1), wire.CodeUnknownSource, false},
		"no link to the origin":     {1, ask(2, 3, 180, 3, 0, 1), wire.CodeNoRoute, false},
		"for another":               {1, ask(2, 0, 180, 0, 2), wire.CodeNoRoute, true},
		"by another":                {1, ask(2, 2, 180, 2, 1), wire.CodeNoRoute, true},
		"by another relay":          {1, ask(2, 0, 180, 0, 2, 1), wire.CodeNoRoute, true},
		"by two relays":             {1, ask(2, 2, 180, 2, 3, 0, 1), wire.CodeNoRoute, true},
		"back to the origin":        {1, ask(2, 1, 180, 1, 0, 1), wire.CodeNoRoute, true},
		"twice over us":             {1, ask(2, 0, 180, 0, 0, 1), wire.CodeNoRoute, true},
		"to ourselves":              {0, ask(2, 2, 180, 2, 0, 0), wire.CodeNoRoute, true},
		"only the subscriber":       {1, wire.Subscribe{Room: "r", Sub: 2, Source: source(0), Height: 180, Path: path(1)}, wire.CodeNoRoute, true},
		"no path":                   {1, wire.Subscribe{Room: "r", Sub: 2, Source: source(0), Height: 180}, wire.CodeNoRoute, true},
		"a number that is in use":   {1, ask(1, 0, 180, 0, 1), wire.CodeNoRoute, true},
		"the number of another":     {2, ask(1, 0, 180, 0, 2), wire.CodeOK, false},
		"less than nothing":         {1, ask(2, 0, -1, 0, 1), wire.CodeNoRoute, true},
		"nothing, which is allowed": {1, ask(2, 0, 0, 0, 1), wire.CodeOK, false},
	} {
		s := NewServing(node(0), "r")
		s.Subscribe(node(1), ask(1, 9, 180, 0, 1), origins, direct)
		answer, pulls, err := s.Subscribe(node(c.from), c.f, origins, direct)
		if answer != (wire.Subscribed{Room: "r", Sub: c.f.Sub, Code: c.code}) || (err != nil) != c.nonsense {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
		var want []Pull
		if c.code == wire.CodeOK && c.f.Height > 0 && !c.f.Standby {
			want = []Pull{{node(c.from), c.f.Source, c.f.Height, c.f.Sub}}
		}
		if diff := cmp.Diff(want, pulls); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestServing: several subscriptions of a peer for one source are one pull, as high as the highest, under the newest number.
func TestServing(t *testing.T) {
	s := NewServing(node(0), "r")
	check := func(what string, got []Pull, want ...Pull) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want-, got+:\n%s", what, diff)
		}
	}
	take := func(f wire.Subscribe) []Pull {
		t.Helper()
		_, pulls, err := s.Subscribe(f.Path[len(f.Path)-1], f, origins, direct)
		if err != nil {
			t.Error(err)
		}
		return pulls
	}
	change := func(from int, sub uint32, height int) []Pull {
		return s.Update(node(from), wire.Update{Room: "r", Sub: sub, Height: height})
	}
	end := func(from int, sub uint32) []Pull {
		return s.Unsubscribe(node(from), wire.Unsubscribe{Room: "r", Sub: sub})
	}
	check("the first", take(ask(7, 0, 360, 0, 1)), Pull{node(1), source(0), 360, 7})
	check("another source", take(ask(4, 2, 180, 2, 0, 1)), Pull{node(1), source(2), 180, 4})
	check("another peer", take(ask(7, 0, 180, 0, 2)), Pull{node(2), source(0), 180, 7})
	check("a second one", take(ask(5, 0, 180, 0, 1)), Pull{node(1), source(0), 360, 5})
	check("more", change(1, 5, 720), Pull{node(1), source(0), 720, 5})
	check("the same", change(1, 5, 720))
	check("of no weight", change(1, 7, 180))
	check("unknown", change(2, 5, 720))
	check("negative", change(1, 5, -1))
	if sub, ok := s.Sub(node(1), source(0)); !ok || sub != 5 {
		t.Error(sub, ok)
	}
	if got, ok := s.Source(node(1), 4); !ok || got != source(2) {
		t.Error(got, ok)
	}
	if got, ok := s.Source(node(2), 4); ok {
		t.Error(got)
	}
	check("the newer ends", end(1, 5), Pull{node(1), source(0), 180, 7})
	check("on standby", change(1, 7, 0), Pull{node(1), source(0), 0, 0})
	if sub, ok := s.Sub(node(1), source(0)); ok {
		t.Error(sub)
	}
	check("again", change(1, 7, 90), Pull{node(1), source(0), 90, 7})
	check("unknown", end(1, 5))
	check("another's", end(2, 4))
	check("the last ends", end(1, 7), Pull{Node: node(1), Source: source(0)})
	check("once more", take(ask(8, 0, 180, 0, 1)), Pull{node(1), source(0), 180, 8})
	check("gone", s.PeerGone(node(1)), Pull{Node: node(1), Source: source(0)}, Pull{Node: node(1), Source: source(2)})
	check("gone already", s.PeerGone(node(1)))
	check("its number is free", take(ask(8, 0, 180, 0, 1)), Pull{node(1), source(0), 180, 8})
}

// TestRecheck: a relay that has come to need a relay ends what it serves as one.
func TestRecheck(t *testing.T) {
	s := NewServing(node(0), "r")
	for _, f := range []wire.Subscribe{ask(1, 1, 180, 1, 0, 3), ask(2, 2, 180, 2, 0, 3), ask(3, 0, 180, 0, 3), ask(9, 1, 180, 1, 0, 2)} {
		if answer, _, err := s.Subscribe(f.Path[len(f.Path)-1], f, origins, direct); err != nil || answer.Code != wire.CodeOK {
			t.Fatal(answer, err)
		}
	}
	sends, pulls := s.Recheck(func(n room.SourceName) bool { return n == source(1) || n == source(0) })
	no := func(sub uint32) wire.Subscribed { return wire.Subscribed{Room: "r", Sub: sub, Code: wire.CodeNoRoute} }
	if diff := cmp.Diff([]Send{{node(2), no(9)}, {node(3), no(1)}}, sends); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Pull{{Node: node(2), Source: source(1)}, {Node: node(3), Source: source(1)}}, pulls); diff != "" {
		t.Error(diff)
	}
}

// TestServingIsBounded: a peer cannot make us remember more than so much.
func TestServingIsBounded(t *testing.T) {
	s := NewServing(node(0), "r")
	for i := range uint32(maxSubs) {
		if answer, _, err := s.Subscribe(node(1), ask(i, 0, 180, 0, 1), origins, direct); err != nil || answer.Code != wire.CodeOK {
			t.Fatal(i, answer, err)
		}
	}
	if answer, pulls, err := s.Subscribe(node(1), ask(maxSubs, 5, 180, 0, 1), origins, direct); err != nil || answer.Code != wire.CodeBusy || pulls != nil {
		t.Error(answer, pulls, err)
	}
	if answer, _, _ := s.Subscribe(node(2), ask(1, 0, 180, 0, 2), origins, direct); answer.Code != wire.CodeOK {
		t.Error(answer)
	}
	s.PeerGone(node(1))
	if len(s.peers) != 1 {
		t.Errorf("%d peers", len(s.peers))
	}
}
