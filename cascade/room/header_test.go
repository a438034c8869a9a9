package room

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// drawHeaders returns headers that a few sequencers wrote, who knew of each other now and then.
func drawHeaders(t *rapid.T, n int) []*header {
	all := make([]*header, n)
	for i := range all {
		all[i] = &header{}
	}
	seq := map[int]uint64{}
	for range rapid.IntRange(0, 25).Draw(t, "writes") {
		i := rapid.IntRange(0, n-1).Draw(t, "header")
		if j := rapid.IntRange(0, n-1).Draw(t, "from"); rapid.IntRange(0, 2).Draw(t, "merge") == 0 {
			s := all[j].state()
			all[i].join(s.Context, s.Registers)
			continue
		}
		seq[i]++
		c := Commit{Dot: Dot{Term{Time(100 + 10*(i%2)), identity.Name(fmt.Sprint(i))}, seq[i]}, Seen: all[i].context}
		for range rapid.IntRange(1, 2).Draw(t, "fields") {
			c.Writes = append(c.Writes, Write{
				rapid.SampledFrom([]string{FieldPassword, FieldOpenSubject, FieldSubject, "mod/00000001", FieldMeeting}).Draw(t, "key"),
				rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "value"),
			})
		}
		if twice(c.Writes) {
			c.Writes = c.Writes[:1]
		}
		all[i].commit(c)
	}
	return all
}

func joined(headers ...*header) State {
	h := &header{}
	for _, o := range headers {
		s := o.state()
		h.join(s.Context, s.Registers)
	}
	s := h.state()
	if s.Context == nil {
		s.Context = Context{}
	}
	return s
}

// TestJoin: headers join in any order and as often as one likes.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHeaders(t, 3)
		want := joined(h[0], h[1], h[2])
		bc := &header{}
		s := joined(h[1], h[2])
		bc.join(s.Context, s.Registers)
		for name, got := range map[string]State{
			"commutes":  joined(h[2], h[0], h[1]),
			"reversed":  joined(h[2], h[1], h[0]),
			"again":     joined(h[0], h[1], h[0], h[2], h[1], h[0]),
			"associate": joined(h[0], bc),
		} {
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	})
}

// TestCommitIsAJoin: who follows the commits of a term has what who joins the whole header has.
func TestCommitIsAJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHeaders(t, 2)
		all := joined(h...)
		follows, joins := &header{}, &header{}
		follows.join(all.Context, all.Registers)
		joins.join(all.Context, all.Registers)
		writer := &header{}
		writer.join(all.Context, all.Registers)
		term := Term{1000, "z"}
		for i := range rapid.IntRange(1, 5).Draw(t, "commits") {
			c := Commit{Dot{term, uint64(i + 1)}, writer.context, nil, []Write{{
				rapid.SampledFrom([]string{FieldPassword, FieldOpenSubject, FieldSubject}).Draw(t, "key"),
				rapid.SampledFrom([]string{"", "1"}).Draw(t, "value"),
			}}}
			writer.commit(c)
			if follows.missing(c) {
				t.Fatal("a gap in what follows")
			}
			follows.commit(c)
		}
		s := writer.state()
		joins.join(s.Context, s.Registers)
		if d := cmp.Diff(joins.state(), follows.state()); d != "" {
			t.Error(d)
		}
		if joins.count != len(s.Registers) || follows.count != joins.count || follows.bytes != joins.bytes {
			t.Errorf("counts %d registers of %d, %d and %d bytes", joins.count, len(s.Registers), joins.bytes, follows.bytes)
		}
	})
}

// TestResolution: what a field says when it was written on two sides of a cut.
func TestResolution(t *testing.T) {
	for _, c := range []struct{ key, before, older, newer, want string }{
		{FieldPassword, "", "a", "b", "b"},
		{FieldPassword, "a", "b", "", "b"},
		{FieldPassword, "a", "", "b", "b"},
		{FieldPassword, "a", "", "", ""},
		{FieldMembersOnly, "", "1", "", "1"},
		{FieldMembersOnly, "1", "", "1", "1"},
		{FieldMembersOnly, "", "1", "0", "1"},
		{FieldOpenSubject, "1", "", "1", ""},
		{FieldOpenSubject, "", "1", "", ""},
		{FieldOpenSubject, "", "1", "1", "1"},
		{FieldSubject, "x", "a", "b", "b"},
		{FieldSubject, "x", "a", "", ""},
		{FieldAffiliation + "a@b", "", "outcast", "owner", "outcast"},
		{FieldAffiliation + "a@b", "", "owner", "member", "owner"},
		{FieldAffiliation + "a@b", "member", "owner", "", "owner"},
		{FieldAffiliation + "a@b", "member", "", "member", "member"},
		{FieldModerator + "00000001", "", "1", "", "1"},
		{FieldModerator + "00000001", "1", "1", "", "1"},
		{FieldMeeting, "", "old", "new", "old"},
		{"other", "", "a", "b", "b"},
	} {
		a, b := &header{}, &header{}
		before := Commit{Dot: Dot{Term{1, "x"}, 1}, Writes: []Write{{c.key, c.before}}}
		for i, h := range []*header{a, b} {
			if c.before != "" {
				h.commit(before)
			}
			h.commit(Commit{Dot{Term{Time(i + 2), "x"}, 1}, h.context, nil, []Write{{c.key, [...]string{c.older, c.newer}[i]}}})
		}
		for i, order := range [][2]*header{{a, b}, {b, a}} {
			h := &header{}
			for _, o := range order {
				s := o.state()
				h.join(s.Context, s.Registers)
			}
			if got := h.value(c.key); got != c.want {
				t.Errorf("%s: %q, then %q and %q beside each other (order %d): says %q, want %q", c.key, c.before, c.older, c.newer, i, got, c.want)
			}
		}
	}
}

// TestTermsBecomeOne: a context does not grow for ever, and what was dropped is still contained.
func TestTermsBecomeOne(t *testing.T) {
	c := Context{}
	for i := range uint64(1000) {
		c = c.with(Context{Term{Time(i + 1), "a"}: 3})
		if len(c) > maxTerms || !c.Has(Dot{Term{Time(i + 1), "a"}, 3}) || c.Has(Dot{Term{Time(i + 1), "a"}, 4}) {
			t.Fatalf("after %d terms: %d", i, len(c))
		}
	}
	if !c.Has(Dot{Term{1, "a"}, 3}) || !c.Covers(Context{Term{5, "b"}: 9}) || c.Covers(Context{Term{1000, "b"}: 1}) {
		t.Error("what is old is not contained, or what is new is")
	}
	if err := c.check(time.UnixMilli(1)); err != nil {
		t.Error(err)
	}
	whole := Context{Term{3, "a"}: Whole}
	if small := (Context{Term{1, "a"}: 1, Term{4, "a"}: 1}).with(whole); len(small) != 2 || !small.Covers(whole) {
		t.Errorf("joined %v", small)
	}
}

// TestOldTermsAreDropped: the sequencer makes one of old terms, and the others follow.
func TestOldTermsAreDropped(t *testing.T) {
	b := newBench(t, alpha, bravo)
	start := b.now
	for range 50 {
		for _, on := range []identity.Name{alpha, bravo} {
			b.do(on, b.rooms[on].SetReachable(b.now, nil))
			b.do(on, b.rooms[on].SetReachable(b.now, []identity.Name{alpha, bravo}))
			b.settle()
		}
	}
	if n := len(b.rooms[alpha].header.context); n != 100 {
		t.Errorf("%d terms", n)
	}
	for _, c := range []struct {
		after time.Duration
		terms int
	}{{time.Minute, 80}, {10 * time.Minute, someTerms}} {
		b.now = start.Add(termMemory + c.after)
		b.settle()
		b.settle()
		for name, r := range b.rooms {
			if n := len(r.header.context); n != c.terms || r.Value(FieldMeeting) != "meeting" {
				t.Errorf("%s: %d terms %v later, meeting %q", name, n, c.after, r.Value(FieldMeeting))
			}
		}
	}
}

// TestStampsAfterWhatWasSeen: times grow over what others stamped, also when the own clock is behind.
func TestStampsAfterWhatWasSeen(t *testing.T) {
	ahead := At(epoch.Add(time.Minute))
	for name, m := range map[string]Message{
		"occupant": Ops{1, 1, []Op{{Put: &Occupant{Endpoint: "00000001", Joined: ahead, Epoch: 1}}}},
		"snapshot": Snapshot{ShardVersion{1, 1}, 0, 1, []Occupant{{Endpoint: "00000001", Joined: ahead, Epoch: 1}}},
		"commit":   Commit{Dot{Term{ahead, bravo}, 1}, nil, nil, []Write{{"x", "y"}}},
		"state":    State{Context{Term{ahead, bravo}: 1}, 0, 1, nil},
		"digest":   Digest{Header: Context{Term{ahead, bravo}: 1}},
	} {
		r := NewReplica(Config{Self: alpha, Room: "room", Incarnation: 1})
		r.SetReachable(epoch, []identity.Name{bravo}) // the sequencer of what comes
		if _, err := r.Receive(epoch, bravo, m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if at := r.Stamp(epoch); at <= ahead {
			t.Errorf("%s: stamps %v", name, at)
		}
	}
}

// TestTermsOfTwoLives: two replicas of a node that know the same begin different terms in the same millisecond.
func TestTermsOfTwoLives(t *testing.T) {
	var terms []Term
	for _, incarnation := range []uint64{1, 2} {
		r := NewReplica(Config{Self: alpha, Room: "room", Incarnation: incarnation})
		r.Adopt(epoch, []State{{Context{Term{At(epoch.Add(time.Second)), bravo}: 1}, 0, 1, nil}})
		terms = append(terms, r.term)
	}
	if terms[0] == terms[1] || terms[0].Node != alpha || terms[1].Node != alpha {
		t.Errorf("terms %v", terms)
	}
}
