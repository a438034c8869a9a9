package room

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// TestRefused: what makes no sense is an error, and changes nothing.
func TestRefused(t *testing.T) {
	now := epoch
	late := At(now.Add(Drift + time.Second))
	inc := uint64(At(now))
	occupant := func(change func(*Occupant)) Ops {
		o := Occupant{Endpoint: "00000001", JID: "a@b", Joined: 1, Epoch: 1}
		change(&o)
		return Ops{inc, 1, []Op{{Put: &o}}}
	}
	source := func(change func(*Source)) Ops {
		s := Source{Name: "00000001-v0", VideoType: Camera, Encodings: []Encoding{{SSRC: 1}}}
		change(&s)
		return occupant(func(o *Occupant) { o.Sources = []Source{s} })
	}
	commit := func(change func(*Commit)) Commit {
		c := Commit{Dot: Dot{Term{At(now), bravo}, 1}, Writes: []Write{{FieldSubject, "x"}}}
		change(&c)
		return c
	}
	state := func(change func(*State)) State {
		term := Term{At(now), bravo}
		s := State{Context{term: 1}, 0, 1, []Register{{FieldSubject, "x", Dot{term, 1}, nil}}}
		change(&s)
		return s
	}
	for _, m := range []Message{
		occupant(func(*Occupant) {}), source(func(*Source) {}), commit(func(*Commit) {}), state(func(*State) {}),
		Ops{inc, 1, []Op{{Say: &Utterance{From: "00000001"}}}},
		Ops{inc, 1, []Op{{Remove: &Removal{Endpoint: "00000001", Cause: Gone}}}},
		Digest{},
		End{},
		Snapshot{ShardVersion{inc, 5}, 0, 1, nil},
	} {
		if _, err := newBench(t, alpha, bravo).rooms[alpha].Receive(now, bravo, m); err != nil {
			t.Errorf("a sound message is refused: %+v: %v", m, err)
		}
	}
	long := strings.Repeat("x", 1<<20)
	for name, m := range map[string]Message{
		"nothing":                 nil,
		"no operations":           Ops{inc, 1, nil},
		"sequence 0":              Ops{inc, 0, []Op{{Say: &Utterance{From: "00000001"}}}},
		"a sequence out of range": Ops{inc, math.MaxUint64, []Op{{Say: &Utterance{From: "00000001"}}}},
		"a sequence far ahead":    Ops{inc, maxSeq, []Op{{Say: &Utterance{From: "00000001"}}}},
		"an incarnation ahead":    Ops{uint64(At(now.Add(time.Hour))), 1, []Op{{Say: &Utterance{From: "00000001"}}}},
		"an operation of nothing": Ops{inc, 1, []Op{{}}},
		"an operation of two":     Ops{inc, 1, []Op{{Say: &Utterance{From: "00000001"}, Remove: &Removal{Endpoint: "00000001", Cause: Gone}}}},
		"a message too long":      Ops{inc, 1, []Op{{Say: &Utterance{From: "00000001", Inner: []byte(long)}}}},
		"a message of nobody":     Ops{inc, 1, []Op{{Say: &Utterance{From: "x"}}}},
		"a removal of nobody":     Ops{inc, 1, []Op{{Remove: &Removal{Endpoint: "x", Cause: Gone}}}},
		"a removal without cause": Ops{inc, 1, []Op{{Remove: &Removal{Endpoint: "00000001"}}}},
		"a removal by a stranger": Ops{inc, 1, []Op{{Remove: &Removal{Endpoint: "00000001", Cause: Gone, Actor: "me"}}}},
		"a reason too long":       Ops{inc, 1, []Op{{Remove: &Removal{Endpoint: "00000001", Cause: Gone, Reason: long}}}},
		"too many operations":     Ops{inc, 1, make([]Op, maxItems+1)},
		"one bad of two":          Ops{inc, 1, []Op{occupant(func(*Occupant) {}).Ops[0], {Say: &Utterance{From: "x"}}}},

		"no endpoint":            occupant(func(o *Occupant) { o.Endpoint = "" }),
		"a JID too long":         occupant(func(o *Occupant) { o.JID = long }),
		"joined never":           occupant(func(o *Occupant) { o.Joined = 0 }),
		"joined in the future":   occupant(func(o *Occupant) { o.Joined = late }),
		"epoch 0":                occupant(func(o *Occupant) { o.Epoch = 0 }),
		"the last epoch":         occupant(func(o *Occupant) { o.Epoch = math.MaxUint64 }),
		"a presence too long":    occupant(func(o *Occupant) { o.Presence = []byte(long) }),
		"too many sources":       occupant(func(o *Occupant) { o.Sources = make([]Source, maxSources+1) }),
		"a source twice":         occupant(func(o *Occupant) { o.Sources = []Source{{Name: "00000001-a0"}, {Name: "00000001-a0"}} }),
		"admitted in the future": occupant(func(o *Occupant) { o.Admitted = Context{Term{late, bravo}: 1} }),

		"a source of another":    source(func(s *Source) { s.Name = "00000002-v0" }),
		"a source of nobody":     source(func(s *Source) { s.Name = "x" }),
		"an unknown video type":  source(func(s *Source) { s.VideoType = "x" }),
		"an msid too long":       source(func(s *Source) { s.MSID = long }),
		"too many encodings":     source(func(s *Source) { s.Encodings = make([]Encoding, maxEncodings+1) }),
		"snapshot of no parts":   Snapshot{ShardVersion{inc, 5}, 0, 0, nil},
		"snapshot beyond parts":  Snapshot{ShardVersion{inc, 5}, 1, 1, nil},
		"snapshot of many parts": Snapshot{ShardVersion{inc, 5}, 0, maxParts + 1, nil},
		"snapshot of no life":    Snapshot{ShardVersion{0, 5}, 0, 1, nil},
		"snapshot from ahead":    Snapshot{ShardVersion{uint64(At(now.Add(time.Hour))), 5}, 0, 1, nil},
		"snapshot with a bad one": Snapshot{ShardVersion{inc, 5}, 0, 1, []Occupant{
			*occupant(func(*Occupant) {}).Ops[0].Put, *occupant(func(o *Occupant) { o.Epoch = 0 }).Ops[0].Put,
		}},

		"digest from ahead":         Digest{Mine: ShardVersion{uint64(At(now.Add(time.Hour))), 5}},
		"digest of a later life":    Digest{Yours: ShardVersion{math.MaxUint64, 1}},
		"digest with a term ahead":  Digest{Header: Context{Term{late, bravo}: 1}},
		"digest with term of none":  Digest{Header: Context{Term{1, ""}: 1}},
		"digest with no commits":    Digest{Header: Context{Term{1, bravo}: 0}},
		"digest with many commits":  Digest{Header: Context{Term{1, bravo}: maxSeq + 1}},
		"digest with two floors":    Digest{Header: Context{Term{1, bravo}: Whole, Term{2, bravo}: Whole}},
		"end of a version too late": End{ShardVersion{math.MaxUint64, 1}},

		"a commit of another":       commit(func(c *Commit) { c.Dot.Term.Node = delta }),
		"a commit from ahead":       commit(func(c *Commit) { c.Dot.Term.Since = late }),
		"commit 0":                  commit(func(c *Commit) { c.Dot.Seq = 0 }),
		"a commit that saw itself":  commit(func(c *Commit) { c.Seen = Context{c.Dot.Term: 1} }),
		"a commit of an old term":   commit(func(c *Commit) { c.Seen = Context{Term{c.Dot.Term.Since + 1, alpha}: 1} }),
		"a commit of nothing":       commit(func(c *Commit) { c.Writes = nil }),
		"a commit of too much":      commit(func(c *Commit) { c.Writes = make([]Write, maxWrites+1) }),
		"a commit of a field twice": commit(func(c *Commit) { c.Writes = append(c.Writes, c.Writes[0]) }),
		"a value too long":          commit(func(c *Commit) { c.Writes[0].Value = long }),
		"a kick in the future":      commit(func(c *Commit) { c.Writes = []Write{{FieldKick + "00000001", Kick{At: late}.Value()}} }),
		"a kick of nothing":         commit(func(c *Commit) { c.Writes = []Write{{FieldKick + "00000001", "x"}} }),

		"a field from nowhere":   state(func(s *State) { s.Registers[0].Dot.Seq++ }),
		"a header from ahead":    state(func(s *State) { s.Context = Context{Term{late, bravo}: 1} }),
		"header of no parts":     state(func(s *State) { s.Parts = 0 }),
		"header beyond parts":    state(func(s *State) { s.Part = 1 }),
		"a field too long":       state(func(s *State) { s.Registers[0].Value = long }),
		"a header of much":       state(func(s *State) { s.Registers = make([]Register, 2*maxRegisters+1) }),
		"a header of many terms": state(func(s *State) { s.Context = manyTerms() }),
	} {
		b := newBench(t, alpha, bravo)
		r := b.rooms[alpha]
		before := fmt.Sprintf("%+v %+v %+v %+v", r.Occupants(), r.header.state(), r.Version(), r.knew)
		if effects, err := r.Receive(now, bravo, m); err == nil || len(effects) > 0 {
			t.Errorf("%s: %v, %v", name, effects, err)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
		if after := fmt.Sprintf("%+v %+v %+v %+v", r.Occupants(), r.header.state(), r.Version(), r.knew); after != before {
			t.Errorf("%s changes something: %s", name, cmp.Diff(before, after))
		}
	}
	if _, err := newBench(t, alpha, bravo).rooms[alpha].Receive(now, alpha, Digest{}); err == nil {
		t.Error("a message from itself is taken")
	}
}

func manyTerms() Context {
	c := Context{}
	for i := range maxTerms + 1 {
		c[Term{Time(i + 1), bravo}] = 1
	}
	return c
}

// TestOwnIsTrimmed: what a client does can not make its node tell what others refuse.
func TestOwnIsTrimmed(t *testing.T) {
	b := newBench(t, alpha, bravo)
	long := strings.Repeat("ä", 1<<19)
	o := Occupant{Endpoint: "00000001", JID: long, Presence: []byte(long), Epoch: math.MaxUint64}
	for i := range 1000 {
		o.Sources = append(o.Sources, Source{Name: SourceName(fmt.Sprintf("0000000%d-v%d", 1+i%2, i%150))})
	}
	b.do(alpha, b.rooms[alpha].Put(b.now, o))
	b.do(alpha, b.rooms[alpha].Put(b.now, Occupant{Endpoint: "00000002", JID: "a@b", Joined: At(b.now.Add(time.Hour))}))
	b.do(alpha, b.rooms[alpha].Put(b.now, Occupant{Endpoint: "someone", JID: "a@b"}))
	b.do(alpha, b.rooms[alpha].Say(b.now, Utterance{From: "00000001", Inner: []byte(long)}))
	b.do(alpha, b.rooms[alpha].Remove(b.now, Removal{Endpoint: "00000001", Reason: long, Actor: "nobody", Cause: 77}))
	b.settle() // it fails when something is refused
	if all := b.rooms[bravo].Occupants(); len(all) != 1 || all[0].Endpoint != "00000002" {
		t.Errorf("%d occupants", len(all))
	}
}

// TestStrangersMessages: whatever members send, nothing breaks, grows beyond bounds, or is told twice.
func TestStrangersMessages(t *testing.T) {
	id := rapid.SampledFrom([]EndpointID{"00000001", "00000002", "00000003"})
	inc := rapid.Uint64Range(0, 3)
	seq := rapid.Uint64Range(0, 6)
	version := rapid.Custom(func(t *rapid.T) ShardVersion { return ShardVersion{inc.Draw(t, "inc"), seq.Draw(t, "seq")} })
	name := rapid.SampledFrom([]identity.Name{alpha, bravo, delta})
	term := rapid.Custom(func(t *rapid.T) Term {
		return Term{Time(rapid.Uint64Range(0, 3).Draw(t, "since")), name.Draw(t, "node")}
	})
	context := rapid.Custom(func(t *rapid.T) Context {
		return rapid.MapOfN(term, rapid.OneOf(seq, rapid.Just(uint64(Whole))), 0, 4).Draw(t, "context")
	})
	occupant := rapid.Custom(func(t *rapid.T) Occupant {
		return Occupant{
			Endpoint: id.Draw(t, "id"), Joined: Time(rapid.Uint64Range(0, 4).Draw(t, "joined")),
			Epoch: Epoch(rapid.Uint64Range(0, 3).Draw(t, "epoch")), Admitted: context.Draw(t, "admitted"),
		}
	})
	op := rapid.Custom(func(t *rapid.T) Op {
		switch rapid.IntRange(0, 2).Draw(t, "op") {
		case 0:
			o := occupant.Draw(t, "put")
			return Op{Put: &o}
		case 1:
			return Op{Remove: &Removal{Endpoint: id.Draw(t, "id"), Cause: Cause(rapid.IntRange(0, 8).Draw(t, "cause"))}}
		}
		return Op{Say: &Utterance{From: id.Draw(t, "id")}}
	})
	write := rapid.Custom(func(t *rapid.T) Write {
		return Write{
			rapid.SampledFrom([]string{FieldPassword, FieldSubject, FieldMembersOnly, FieldMeeting, FieldKick + "00000001"}).Draw(t, "key"),
			rapid.SampledFrom([]string{"", "1", "3 00000002 x"}).Draw(t, "value"),
		}
	})
	vector := rapid.MapOfN(name, version, 0, 3)
	message := rapid.Custom(func(t *rapid.T) Message {
		part := rapid.Uint16Range(0, 3)
		switch rapid.IntRange(0, 5).Draw(t, "message") {
		case 0:
			return Digest{version.Draw(t, "mine"), version.Draw(t, "yours"), context.Draw(t, "header")}
		case 1:
			return Ops{inc.Draw(t, "inc"), seq.Draw(t, "first"), rapid.SliceOfN(op, 0, 4).Draw(t, "ops")}
		case 2:
			return Snapshot{version.Draw(t, "version"), part.Draw(t, "part"), part.Draw(t, "parts"), rapid.SliceOfN(occupant, 0, 3).Draw(t, "occupants")}
		case 3:
			return Commit{
				Dot{term.Draw(t, "term"), seq.Draw(t, "seq")},
				context.Draw(t, "seen"), vector.Draw(t, "shards"),
				rapid.SliceOfN(write, 0, 3).Draw(t, "writes"),
			}
		case 4:
			s := State{context.Draw(t, "context"), part.Draw(t, "part"), part.Draw(t, "parts"), nil}
			for range rapid.IntRange(0, 4).Draw(t, "registers") {
				w := write.Draw(t, "field")
				s.Registers = append(s.Registers, Register{w.Key, w.Value, Dot{term.Draw(t, "term"), seq.Draw(t, "seq")}, vector.Draw(t, "shards")})
			}
			return s
		}
		return End{version.Draw(t, "version")}
	})
	rapid.Check(t, func(t *rapid.T) {
		r := NewReplica(Config{Self: alpha, Room: "room", Incarnation: 2})
		now := epoch
		shown := map[EndpointID]identity.Name{}
		follow := func(effects []Effect) {
			for _, e := range effects {
				switch e := e.(type) {
				case Appeared:
					if _, ok := shown[e.Endpoint]; ok {
						t.Fatalf("%s appears twice", e.Endpoint)
					}
					shown[e.Endpoint] = e.Node
				case Changed:
					if _, ok := shown[e.Endpoint]; !ok {
						t.Fatalf("%s changes and is not there", e.Endpoint)
					}
					shown[e.Endpoint] = e.Node
				case Vanished:
					if shown[e.Endpoint] != e.Node {
						t.Fatalf("%s vanishes from %s and is at %q", e.Endpoint, e.Node, shown[e.Endpoint])
					}
					delete(shown, e.Endpoint)
				}
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				follow(r.SetPeers(now, rapid.SliceOfDistinct(name, rapid.ID).Draw(t, "holders")))
			case 1:
				follow(r.SetReachable(now, rapid.SliceOfDistinct(name, rapid.ID).Draw(t, "reachable")))
			case 2:
				follow(r.Put(now, Occupant{Endpoint: id.Draw(t, "own"), Joined: Time(rapid.Uint64Range(0, 4).Draw(t, "joined"))}))
			case 3:
				follow(r.Remove(now, Removal{Endpoint: id.Draw(t, "own"), Cause: Cause(rapid.IntRange(1, 7).Draw(t, "cause"))}))
			case 4:
				follow(r.Tick(now))
				if next := r.Next(); !next.IsZero() && !next.After(now) {
					t.Fatalf("a tick leaves something that is due since %v", now.Sub(next))
				}
			default:
				effects, _ := r.Receive(now, name.Draw(t, "from"), message.Draw(t, "message"))
				follow(effects)
			}
			for _, m := range r.Occupants() {
				if shown[m.Endpoint] != m.Node {
					t.Fatalf("%s is at %s, told %q", m.Endpoint, m.Node, shown[m.Endpoint])
				}
			}
			if n := len(r.Occupants()); n != len(shown) {
				t.Fatalf("%d occupants, told of %d", n, len(shown))
			}
			if len(r.peers) > 2 || len(r.order) != len(r.peers) || !slices.IsSorted(r.order) {
				t.Fatalf("peers %v", r.order)
			}
		}
	})
}
