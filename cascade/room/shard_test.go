package room

import (
	"fmt"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

func TestOccupantsReachTheOthers(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.do(alpha, b.rooms[alpha].Say(b.now, Utterance{From: "00000001", ID: "hello"}))
	b.do(alpha, b.rooms[alpha].Put(b.now, Occupant{Endpoint: "00000001", JID: "user@00000001", Presence: []byte("<a/>")}))
	b.do(alpha, b.rooms[alpha].Remove(b.now, Removal{Endpoint: "00000001", Cause: ByItself, Reason: " bye"}))
	want := []string{"appeared alphaaaaaa 00000001", "heard 00000001 hello", "changed alphaaaaaa 00000001", "vanished alphaaaaaa 00000001 1 bye"}
	b.want(alpha, b.take()[alpha], want...)
	b.settle()
	b.want(bravo, b.take()[bravo], want...)
	if b.rooms[alpha].Say(b.now, Utterance{From: "00000001"}) != nil {
		t.Error("somebody spoke who has left")
	}
	if v := b.rooms[alpha].Version(); v.Seq != 4 {
		t.Errorf("version %v after four operations", v)
	}
}

// TestGapIsFilledByTheLog: what was lost with a link comes later, in order, and once.
func TestGapIsFilledByTheLog(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	b.cut = true
	for i := range 5 {
		b.do(alpha, b.rooms[alpha].Say(b.now, Utterance{From: "00000001", ID: fmt.Sprint(i)}))
	}
	b.cut = false
	b.do(alpha, b.rooms[alpha].Say(b.now, Utterance{From: "00000001", ID: "5"}))
	b.settle()
	b.want(bravo, b.take()[bravo], "heard 00000001 0", "heard 00000001 1", "heard 00000001 2", "heard 00000001 3", "heard 00000001 4", "heard 00000001 5")
}

// TestSnapshotBeyondTheLog: who lacks more than the log gets the whole part, in messages of a bounded size.
func TestSnapshotBeyondTheLog(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "0000ffff")
	b.settle()
	b.take()
	b.cut = true
	b.do(alpha, b.rooms[alpha].Remove(b.now, Removal{Endpoint: "0000ffff", Cause: ByItself}))
	for i := range 300 {
		id := EndpointID(fmt.Sprintf("%08x", i))
		b.do(alpha, b.rooms[alpha].Put(b.now, Occupant{Endpoint: id, Presence: make([]byte, 5000)}))
	}
	b.cut = false
	b.do(alpha, b.rooms[alpha].LinkUp(b.now, bravo))
	b.do(bravo, b.rooms[bravo].LinkUp(b.now, alpha))
	parts := 0
	effects, err := b.rooms[alpha].Receive(b.now, bravo, Digest{Mine: b.rooms[bravo].Version(), Yours: ShardVersion{uint64(At(epoch)), 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range effects {
		if s, ok := e.(Send); ok {
			if m, ok := s.Message.(Snapshot); ok {
				parts++
				size := 0
				for _, o := range m.Occupants {
					size += o.size()
				}
				if size > 256<<10 || int(m.Parts) != 7 {
					t.Errorf("part %d of %d has %d bytes", m.Part, m.Parts, size)
				}
			}
		}
	}
	if parts != 7 {
		t.Errorf("%d parts", parts)
	}
	b.settle()
	told := b.take()[bravo]
	if len(told) != 301 || short(told[0]) != "vanished alphaaaaaa 0000ffff 4" || short(told[300]) != "appeared alphaaaaaa 0000012b" {
		t.Errorf("told %d things, first %s, last %s", len(told), short(told[0]), short(told[len(told)-1]))
	}
}

// TestPartsThatDoNotFollow: a part that was lost makes the rest useless; nothing of it is applied.
func TestPartsThatDoNotFollow(t *testing.T) {
	b := newBench(t, alpha, bravo)
	version := ShardVersion{uint64(At(epoch)), 10}
	o := Occupant{Endpoint: "00000001", Joined: 1, Epoch: 1}
	effects, err := b.rooms[bravo].Receive(b.now, alpha, Snapshot{version, 0, 3, []Occupant{o}})
	if err != nil || len(effects) > 0 {
		t.Fatal(effects, err)
	}
	effects, err = b.rooms[bravo].Receive(b.now, alpha, Snapshot{version, 2, 3, []Occupant{o}})
	if err != nil || len(b.rooms[bravo].Occupants()) > 0 {
		t.Fatal(effects, err)
	}
	if len(effects) != 1 {
		t.Errorf("does not ask again: %v", effects)
	}
	for part := range uint16(3) {
		o.Endpoint = EndpointID(fmt.Sprintf("%08x", part))
		if effects, err = b.rooms[bravo].Receive(b.now, alpha, Snapshot{version, part, 3, []Occupant{o}}); err != nil {
			t.Fatal(err)
		}
	}
	b.want(bravo, effects, "appeared alphaaaaaa 00000000", "appeared alphaaaaaa 00000001", "appeared alphaaaaaa 00000002")
}

// TestSlowerClock: a node that was started again with a lower incarnation raises it above what others remember.
func TestSlowerClock(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	old := b.rooms[alpha].Version()
	b.rooms[alpha] = NewReplica(Config{Self: alpha, Room: "room", Incarnation: old.Incarnation - 1<<30})
	b.do(alpha, b.rooms[alpha].SetReachable(b.now, []identity.Name{bravo}))
	b.do(alpha, b.rooms[alpha].SetPeers(b.now, []identity.Name{bravo}))
	b.join(alpha, "00000002")
	b.settle()
	if v := b.rooms[alpha].Version(); v.Incarnation <= old.Incarnation {
		t.Errorf("version %v after %v", v, old)
	}
	b.want(bravo, b.take()[bravo], "appeared alphaaaaaa 00000002")
	for range 3 {
		b.settle()
	}
	b.want(bravo, b.take()[bravo], "vanished alphaaaaaa 00000001 4")
}

// TestBegunAnew: who was told again after a new start is told of once, and leaves at once.
func TestBegunAnew(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	effects, err := b.rooms[alpha].Receive(b.now, bravo, Digest{Mine: b.rooms[bravo].Version(), Yours: ShardVersion{b.rooms[alpha].Version().Incarnation, 99}})
	if err != nil {
		t.Fatal(err)
	}
	b.do(alpha, effects)
	b.settle()
	b.want(bravo, b.take()[bravo])
	if v := b.rooms[bravo].peers[alpha].shard.version; v != b.rooms[alpha].Version() || v.Incarnation == uint64(At(epoch)) {
		t.Errorf("version %v", v)
	}
	// It was in before, and after.
	for _, v := range []ShardVersion{{uint64(At(epoch)), 1}, b.rooms[alpha].Version()} {
		for name, c := range map[identity.Name]record{alpha: b.rooms[alpha].own.occupants["00000001"], bravo: b.rooms[bravo].peers[alpha].shard.occupants["00000001"]} {
			if !c.covered(v) {
				t.Errorf("%s: not covered by %v: %v", name, v, c.since)
			}
		}
	}
	b.do(alpha, b.rooms[alpha].Remove(b.now, Removal{Endpoint: "00000001", Cause: ByItself}))
	b.settle()
	b.want(bravo, b.take()[bravo], "vanished alphaaaaaa 00000001 1")
}

// TestToldTwice: operations that are there already change nothing, also when the part was forgotten meanwhile.
func TestToldTwice(t *testing.T) {
	b := newBench(t, alpha, bravo)
	inc := b.rooms[alpha].Version().Incarnation
	put := func(presence string) Op {
		return Op{Put: &Occupant{Endpoint: "00000001", Joined: 1, Epoch: 1, Presence: []byte(presence)}}
	}
	say := func(id string) Op { return Op{Say: &Utterance{From: "00000001", ID: id}} }
	r := b.rooms[bravo]
	receive := func(first uint64, ops ...Op) {
		t.Helper()
		effects, err := r.Receive(b.now, alpha, Ops{inc, first, ops})
		if err != nil {
			t.Fatal(err)
		}
		b.do(bravo, effects)
	}
	receive(1, put("a"), say("1"), put("b"))
	receive(1, put("a"), say("1"), put("b"))
	receive(1, put("a"), say("1"), put("b"), say("2"))
	b.want(bravo, b.take()[bravo], "appeared alphaaaaaa 00000001", "heard 00000001 1", "changed alphaaaaaa 00000001", "heard 00000001 2")
	r.forget(r.peers[alpha])
	r.out = nil
	receive(1, put("a"), say("1"), put("b"), say("2"), say("3"))
	b.want(bravo, b.take()[bravo], "appeared alphaaaaaa 00000001", "changed alphaaaaaa 00000001", "heard 00000001 3")
}

// TestDifferenceIsAnswered: who shows that it has more is told what there is here, so that it sends the rest.
func TestDifferenceIsAnswered(t *testing.T) {
	b := newBench(t, alpha, bravo)
	r := b.rooms[bravo]
	none, mine := r.Version(), b.rooms[alpha].Version()
	for name, c := range map[string]struct {
		message Message
		answers int
	}{
		"no difference":        {Digest{mine, none, r.header.context}, 0},
		"more of its part":     {Digest{ShardVersion{mine.Incarnation, 9}, none, r.header.context}, 1},
		"more of the header":   {Digest{mine, none, r.header.context.with(Context{Term{5, alpha}: 1})}, 1},
		"less of the header":   {Digest{mine, none, nil}, 1},
		"less of our part":     {Digest{mine, ShardVersion{}, r.header.context}, 1},
		"a commit behind gaps": {Commit{Dot{b.rooms[alpha].term, 9}, nil, nil, []Write{{"x", "y"}}}, 1},
		"one that saw more":    {Commit{Dot{b.rooms[alpha].term, 2}, Context{Term{5, alpha}: 1}, nil, []Write{{"x", "y"}}}, 1},
		"of a term that ended": {Commit{Dot{Term{b.rooms[alpha].term.Since - 1, alpha}, 1}, nil, nil, []Write{{"x", "y"}}}, 1},
		"operations in a gap":  {Ops{mine.Incarnation, 9, []Op{{Say: &Utterance{From: "00000001"}}}}, 1},
	} {
		b.now = b.now.Add(time.Second)
		effects, err := r.Receive(b.now, alpha, c.message)
		if err != nil || len(effects) != c.answers {
			t.Errorf("%s: %v, %v", name, effects, err)
		}
		if again, _ := r.Receive(b.now, alpha, c.message); len(again) > 0 {
			t.Errorf("%s: answered twice at once: %v", name, again)
		}
		r.Tick(b.now.Add(500 * time.Millisecond)) // what is owed is told later
	}
	if v := r.Value("x"); v != "" {
		t.Errorf("took in a commit, %q", v)
	}
}
