package room

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// TestMove: a higher epoch takes over without a stanza, and what is left of the lower one does not come back.
func TestMove(t *testing.T) {
	for name, first := range map[string]identity.Name{"told first": alpha, "seen first": bravo} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, alpha, bravo, delta)
			b.join(alpha, "00000001")
			b.settle()
			b.take()
			o := b.rooms[alpha].own.occupants["00000001"].Occupant
			o.Epoch++
			arrive := func() { b.do(bravo, b.rooms[bravo].Put(b.now, o)) }
			leave := func() {
				b.do(alpha, b.rooms[alpha].Remove(b.now, Removal{Endpoint: "00000001", Cause: Moved}))
			}
			if first == alpha {
				leave()
				b.settle()
				arrive()
			} else {
				arrive()
				b.settle()
				leave()
			}
			b.settle()
			b.want(delta, b.take()[delta], "changed bravoaaaaa 00000001")
			b.do(bravo, b.rooms[bravo].Remove(b.now, Removal{Endpoint: "00000001", Cause: ByItself}))
			b.settle()
			b.want(delta, b.take()[delta], "vanished bravoaaaaa 00000001 1")
		})
	}
}

// TestMoveThatLeavesALeftover: the owner of a lower epoch is told, and nobody shows its record when the higher one ends.
func TestMoveThatLeavesALeftover(t *testing.T) {
	b := newBench(t, alpha, bravo, delta)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	o := b.rooms[alpha].own.occupants["00000001"].Occupant
	o.Epoch++
	b.do(bravo, b.rooms[bravo].Put(b.now, o))
	b.settle()
	b.want(alpha, b.take()[alpha], "changed bravoaaaaa 00000001", "evict 00000001 7")
	b.do(bravo, b.rooms[bravo].Remove(b.now, Removal{Endpoint: "00000001", Cause: ByItself}))
	b.settle()
	b.want(delta, b.take()[delta], "vanished bravoaaaaa 00000001 1")
	if len(b.rooms[delta].Occupants()) > 0 {
		t.Error("the leftover is shown")
	}
}

// TestMovedNowhere: who was said to move and arrives nowhere is gone after the grace.
func TestMovedNowhere(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	b.do(alpha, b.rooms[alpha].Remove(b.now, Removal{Endpoint: "00000001", Cause: Moved}))
	for range 3 {
		b.settle()
	}
	b.want(bravo, b.take()[bravo])
	b.settle()
	told := b.take()
	b.want(bravo, told[bravo], "vanished alphaaaaaa 00000001 4")
	b.want(alpha, told[alpha], "vanished alphaaaaaa 00000001 4")
}

// TestOneIDTwice: of two with one id who was first stays, on both sides, and the other's node is told.
func TestOneIDTwice(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.part()
	b.join(bravo, "00000001")
	b.now = b.now.Add(time.Second)
	b.join(alpha, "00000001")
	b.take()
	b.heal()
	told := b.take()
	b.want(alpha, people(told[alpha]), "vanished alphaaaaaa 00000001 5conflict", "appeared bravoaaaaa 00000001", "evict 00000001 5conflict")
	b.want(bravo, people(told[bravo]))
}

// TestGrace: a node that can not be reached keeps its occupants for ten seconds, and one that comes back in time changes
// nothing.
func TestGrace(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.join(alpha, "00000002")
	b.settle()
	b.take()
	b.part()
	b.sleep(9 * time.Second)
	b.heal()
	b.want(bravo, people(b.take()[bravo]))
	b.part()
	b.sleep(11 * time.Second)
	b.want(bravo, people(b.take()[bravo]), "vanished alphaaaaaa 00000001 4", "vanished alphaaaaaa 00000002 4")
	b.heal()
	b.want(bravo, people(b.take()[bravo]), "appeared alphaaaaaa 00000001", "appeared alphaaaaaa 00000002")
}

// TestRestartInTime: whom a node no longer has after a new start is gone after the grace, unless it is elsewhere then.
func TestRestartInTime(t *testing.T) {
	for name, polite := range map[string]bool{"with the room": false, "without the room": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, bravo, alpha)
			b.join(alpha, "00000001")
			b.join(alpha, "00000002")
			b.settle()
			b.take()
			o := b.rooms[alpha].own.occupants["00000001"].Occupant
			o.Epoch++
			if polite {
				delete(b.rooms, alpha)
				effects, err := b.rooms[bravo].Receive(b.now, alpha, End{})
				if err != nil {
					t.Fatal(err)
				}
				b.do(bravo, effects)
			} else {
				b.rooms[alpha] = NewReplica(Config{Self: alpha, Room: "room", Incarnation: uint64(At(b.now))})
				b.do(alpha, b.rooms[alpha].SetReachable(b.now, []identity.Name{bravo}))
				b.do(alpha, b.rooms[alpha].SetPeers(b.now, []identity.Name{bravo}))
			}
			b.settle()
			b.want(bravo, b.take()[bravo])
			b.do(bravo, b.rooms[bravo].Put(b.now, o))
			for range 4 {
				b.settle()
			}
			b.want(bravo, b.take()[bravo], "changed bravoaaaaa 00000001", "vanished alphaaaaaa 00000002 4")
		})
	}
}

// TestEnd: a node that leaves the room takes along who is in its part, and is not waited for.
func TestEnd(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	late := []Message{
		Digest{Mine: b.rooms[alpha].Version()},
		Snapshot{b.rooms[alpha].Version(), 0, 1, []Occupant{b.rooms[alpha].own.occupants["00000001"].Occupant}},
	}
	b.do(alpha, b.rooms[alpha].Leave(b.now))
	if b.rooms[alpha].Tick(b.now) != nil || !b.rooms[alpha].Next().IsZero() {
		t.Error("a replica does something after it has left")
	}
	delete(b.rooms, alpha)
	b.settle()
	b.want(bravo, b.take()[bravo], "vanished alphaaaaaa 00000001 4", "header [sequencer]", "sequencer bravoaaaaa")
	for _, m := range late {
		if _, err := b.rooms[bravo].Receive(b.now, alpha, m); err != nil || len(b.rooms[bravo].Occupants()) > 0 || !b.rooms[bravo].peers[alpha].ended {
			t.Errorf("what was sent before the end brings a node back: %T, %v", m, err)
		}
	}
	if v := b.rooms[bravo].knew; len(v) > 0 {
		t.Errorf("remembers %v", v)
	}

	// It comes back, with a clock that is slower than the one it had.
	b.rooms[alpha] = NewReplica(Config{Self: alpha, Room: "room", Incarnation: 7})
	b.do(alpha, b.rooms[alpha].SetReachable(b.now, []identity.Name{bravo}))
	b.do(alpha, b.rooms[alpha].SetPeers(b.now, []identity.Name{bravo}))
	b.join(alpha, "00000002")
	b.settle()
	b.want(bravo, people(b.take()[bravo]), "appeared alphaaaaaa 00000002")
}

// TestSilence: a node that can be reached and says nothing may have been started again without the room.
func TestSilence(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	delete(b.rooms, alpha)
	for range 6 {
		b.settle()
	}
	b.want(bravo, b.take()[bravo], "header [sequencer]", "sequencer bravoaaaaa", "vanished alphaaaaaa 00000001 4")
}

// TestUnlisted: a node that the directory no longer lists counts until it has been silent for half a minute.
func TestUnlisted(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	b.do(bravo, b.rooms[bravo].SetPeers(b.now, nil))
	for range 15 {
		b.settle()
	}
	b.want(bravo, b.take()[bravo])
	delete(b.rooms, alpha)
	b.sleep(40 * time.Second)
	if n := len(b.rooms[bravo].peers); n > 0 {
		t.Errorf("%d peers after silence", n)
	}
}

// TestBackInReach: a node that could not be reached for a while is given time to say something.
func TestBackInReach(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.settle()
	b.take()
	r := b.rooms[bravo]
	r.SetReachable(b.now, []identity.Name{delta})
	b.now = b.now.Add(9 * time.Second)
	r.Tick(b.now)
	r.SetReachable(b.now, []identity.Name{alpha})
	r.Tick(b.now)
	if !r.present(alpha) {
		t.Error("silent although it could say nothing")
	}
}

// TestEvictedOnce: the caller is told once, whatever happens before it carries it out.
func TestEvictedOnce(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	b.write(alpha, FieldKick+"00000001", Kick{At: b.rooms[alpha].Stamp(b.now)}.Value())
	b.want(alpha, people(b.take()[alpha]), "appeared alphaaaaaa 00000001", "vanished alphaaaaaa 00000001 2", "evict 00000001 2")
	b.do(alpha, b.rooms[alpha].Put(b.now, Occupant{Endpoint: "00000001", Presence: []byte("<a/>")}))
	b.settle()
	b.want(alpha, people(b.take()[alpha]))
}

// TestImpostor: somebody with the id of another is not heard as the other.
func TestImpostor(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(alpha, "00000001")
	effects, err := b.rooms[alpha].Receive(b.now, bravo, Ops{b.rooms[bravo].Version().Incarnation, 1, []Op{
		{Put: &Occupant{Endpoint: "00000001", Joined: At(b.now) + 99, Epoch: 1}},
		{Say: &Utterance{From: "00000001", ID: "it is me"}},
		{Say: &Utterance{From: "00000002", ID: "me too"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.want(alpha, people(effects))
}
