package room

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

func TestSequencerIsSticky(t *testing.T) {
	b := newBench(t, alpha, bravo, delta)
	for name, r := range b.rooms {
		if r.Sequencer() != alpha || r.Value(FieldSequencer) != string(alpha) || r.Value(FieldMeeting) != "meeting" {
			t.Errorf("%s: sequencer %s, header %v", name, r.Sequencer(), r.Values())
		}
	}
	if _, err := b.rooms[bravo].Write(b.now, []Write{{FieldSubject, "x"}}); !errors.Is(err, ErrNotSequencer) {
		t.Errorf("bravo may write: %v", err)
	}
	b.write(alpha, FieldSubject, "x")
	b.settle()
	b.want(bravo, b.take()[bravo], "header [subject]")

	// The sequencer is lost: all choose the same, who begins a term without being asked.
	for _, name := range []identity.Name{bravo, delta} {
		b.do(name, b.rooms[name].SetReachable(b.now, []identity.Name{bravo, delta}))
	}
	lost := b.rooms[alpha]
	delete(b.rooms, alpha)
	b.settle()
	next := b.rooms[bravo].Sequencer()
	if next == alpha || b.rooms[delta].Sequencer() != next || b.rooms[bravo].Value(FieldSequencer) != string(next) {
		t.Errorf("sequencer %s and %s, header says %s", next, b.rooms[delta].Sequencer(), b.rooms[bravo].Value(FieldSequencer))
	}
	b.write(next, FieldSubject, "y")

	// It comes back and does not get the header back.
	b.rooms[alpha] = lost
	for _, name := range []identity.Name{alpha, bravo, delta} {
		b.do(name, b.rooms[name].SetReachable(b.now, []identity.Name{alpha, bravo, delta}))
	}
	b.settle()
	for name, r := range b.rooms {
		if r.Sequencer() != next || r.Value(FieldSubject) != "y" {
			t.Errorf("%s: sequencer %s, subject %s", name, r.Sequencer(), r.Value(FieldSubject))
		}
	}
}

// TestOwnTermOfAnEarlierLife: a node that was started again does not go on in a term that it began before.
func TestOwnTermOfAnEarlierLife(t *testing.T) {
	b := newBench(t, alpha, bravo)
	term := b.rooms[alpha].term
	b.rooms[alpha] = NewReplica(Config{Self: alpha, Room: "room", Incarnation: uint64(At(b.now))})
	b.do(alpha, b.rooms[alpha].SetReachable(b.now, []identity.Name{bravo}))
	b.do(alpha, b.rooms[alpha].SetPeers(b.now, []identity.Name{bravo}))
	b.settle()
	if r := b.rooms[alpha]; r.Sequencer() != alpha || r.term.Compare(term) <= 0 || b.rooms[bravo].header.context.last() != r.term {
		t.Errorf("sequencer %s in term %v after %v", r.Sequencer(), r.term, term)
	}
}

// TestNewcomerTakesNothing: who adopts an old header waits for those who are there before it begins a term.
func TestNewcomerTakesNothing(t *testing.T) {
	b := newBench(t, alpha, bravo)
	old := b.rooms[bravo].Snapshot()
	b.do(bravo, b.rooms[bravo].SetReachable(b.now, nil))
	b.do(bravo, b.rooms[bravo].SetReachable(b.now, []identity.Name{alpha, delta}))
	b.settle()
	if b.rooms[bravo].Sequencer() != bravo {
		t.Fatal("bravo did not take over")
	}
	delete(b.rooms, alpha)
	for _, room := range []string{"room", "a", "b", "c", "d"} { // delta is the first of two in some of them
		r := NewReplica(Config{Self: delta, Room: room, Incarnation: 1})
		r.SetReachable(b.now, []identity.Name{bravo})
		r.SetPeers(b.now, []identity.Name{bravo})
		r.Adopt(b.now, []State{old})
		r.Found(b.now, "another")
		if r.term != (Term{}) {
			t.Errorf("%s: a newcomer began a term", room)
		}
		if r.Value(FieldMeeting) != "meeting" {
			t.Errorf("meeting %q", r.Value(FieldMeeting))
		}
		if _, err := r.Receive(b.now, bravo, copied(b.rooms[bravo].Snapshot())); err != nil {
			t.Fatal(err)
		}
		if r.Sequencer() != bravo {
			t.Errorf("sequencer %s", r.Sequencer())
		}
	}
}

func TestNobodyKnowsAnything(t *testing.T) {
	r := NewReplica(Config{Self: alpha, Room: "room", Incarnation: 1})
	if r.Tick(epoch); r.Sequencer() != "" {
		t.Errorf("sequencer %q of a room that nothing is known of", r.Sequencer())
	}
	if _, err := r.Write(epoch, []Write{{FieldSubject, "x"}}); !errors.Is(err, ErrNotSequencer) {
		t.Errorf("writes: %v", err)
	}
}

// TestOldestMeetingCounts: two nodes that founded the room without knowing of each other.
func TestOldestMeetingCounts(t *testing.T) {
	b := newBench(t, alpha)
	b.rooms[bravo] = NewReplica(Config{Self: bravo, Room: "room", Incarnation: 1})
	b.do(bravo, b.rooms[bravo].Found(b.now, "second"))
	b.take()
	for _, name := range []identity.Name{alpha, bravo} {
		b.do(name, b.rooms[name].SetReachable(b.now, []identity.Name{alpha, bravo}))
		b.do(name, b.rooms[name].SetPeers(b.now, []identity.Name{alpha, bravo}))
	}
	b.settle()
	told := b.take()
	b.want(alpha, told[alpha], "header [sequencer]", "sequencer bravoaaaaa")
	b.want(bravo, told[bravo], "header [meeting]")
	for name, r := range b.rooms {
		if r.Value(FieldMeeting) != "meeting" {
			t.Errorf("%s: meeting %s", name, r.Value(FieldMeeting))
		}
	}
}

func TestWritesAreBounded(t *testing.T) {
	b := newBench(t, alpha)
	r := b.rooms[alpha]
	long := strings.Repeat("x", maxField+1)
	for name, writes := range map[string][]Write{
		"nothing":            nil,
		"no key":             {{"", "x"}},
		"a long value":       {{"a", long}},
		"a long key":         {{long, "a"}},
		"a field twice":      {{"a", "1"}, {"a", "2"}},
		"kick of nobody":     {{FieldKick + "x", ""}},
		"kick without time":  {{FieldKick + "00000001", "now 00000002 x"}},
		"kick in the future": {{FieldKick + "00000001", Kick{At: At(b.now.Add(time.Hour))}.Value()}},
		"too many":           make([]Write, maxWrites+1),
	} {
		if _, err := r.Write(b.now, writes); err == nil {
			t.Errorf("%s is written", name)
		}
	}
	for i := 0; ; i++ {
		if _, err := r.Write(b.now, []Write{{strings.Repeat("k", i+1), long[1:]}}); err != nil {
			if i < 80 || r.header.bytes > maxHeader {
				t.Errorf("full after %d fields, %d bytes: %v", i, r.header.bytes, err)
			}
			break
		}
	}
	if _, err := r.Write(b.now, []Write{{"k", ""}}); err != nil {
		t.Errorf("a full header can not be made smaller: %v", err)
	}
}
