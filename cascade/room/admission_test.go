package room

import (
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// TestLockWhileCut: the room is locked on one side of a cut, long after that side has given up the other. Who was in before
// the cut stays, who came in on the other side is asked.
func TestLockWhileCut(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(bravo, "00000001")
	b.settle()
	b.part()
	b.sleep(40 * time.Second)
	b.do(alpha, b.rooms[alpha].SetPeers(b.now, nil)) // the leases are over
	b.sleep(20 * time.Second)
	b.write(alpha, FieldPassword, "secret")
	b.join(bravo, "00000002")
	b.take()
	b.do(alpha, b.rooms[alpha].SetPeers(b.now, []identity.Name{bravo}))
	b.heal()
	b.want(bravo, asked(b.take()[bravo]), "readmit 00000002 password")
	for range 3 {
		b.settle()
	}
	b.want(bravo, asked(b.take()[bravo]))
}

// TestLockBehindALock: the second lock knows of somebody who came in after the first, at a node that had not heard of it.
func TestLockBehindALock(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(bravo, "00000001")
	b.settle()
	b.cut = true
	b.write(alpha, FieldPassword, "first")
	b.cut = false
	b.join(bravo, "00000002")
	for _, l := range b.mail[alpha] {
		if _, ok := l.message.(Ops); ok {
			if _, err := b.rooms[alpha].Receive(b.now, l.from, l.message); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.mail[alpha] = nil
	b.write(alpha, FieldPassword, "second")
	b.take()
	b.settle()
	b.want(bravo, asked(b.take()[bravo]), "readmit 00000002 password")
}

// TestPasswordIsChanged: who came in with the first password stays when it is changed.
func TestPasswordIsChanged(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.write(alpha, FieldPassword, "first")
	b.settle()
	b.join(bravo, "00000001")
	b.settle()
	b.write(alpha, FieldPassword, "second")
	b.settle()
	b.write(alpha, FieldMembersOnly, "1")
	b.write(alpha, FieldPassword, "")
	b.settle()
	b.want(bravo, asked(b.take()[bravo]))
}

// TestRace: who came in while the lock was on its way is asked.
func TestRace(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.write(alpha, FieldMembersOnly, "1")
	b.join(bravo, "00000001")
	b.settle()
	b.want(bravo, asked(b.take()[bravo]), "readmit 00000001 membersonly")
}

// TestMovesThroughALock: who moves keeps what it passed, and is asked for what it did not.
func TestMovesThroughALock(t *testing.T) {
	b := newBench(t, alpha, bravo, delta)
	b.join(bravo, "00000001") // in at the lock
	b.settle()
	b.write(alpha, FieldPassword, "secret")
	b.cut = true
	b.join(delta, "00000002") // has never heard of the lock
	b.cut = false
	b.take()
	for at, id := range map[identity.Name]EndpointID{bravo: "00000001", delta: "00000002"} {
		o := b.rooms[at].own.occupants[id].Occupant
		o.Epoch++
		o.Admitted = nil
		b.do(alpha, b.rooms[alpha].Put(b.now, o))
	}
	b.want(alpha, asked(b.take()[alpha]), "readmit 00000002 password")
	// Who was asked at the node that it came from stays in doubt; who passed has passed.
	if o, _ := b.rooms[alpha].Occupant("00000001"); !o.Admitted.Covers(b.rooms[alpha].header.context) {
		t.Errorf("admitted under %v", o.Admitted)
	}
	if o, _ := b.rooms[alpha].Occupant("00000002"); o.Admitted.Covers(b.rooms[alpha].header.context) {
		t.Errorf("in doubt, and admitted under %v", o.Admitted)
	}
}

// TestMovesAheadOfALock: who passed a lock keeps that at a node that has not heard of it yet.
func TestMovesAheadOfALock(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.cut = true
	b.write(alpha, FieldPassword, "secret")
	b.join(alpha, "00000001")
	o := b.rooms[alpha].own.occupants["00000001"].Occupant
	o.Epoch++
	b.do(bravo, b.rooms[bravo].Put(b.now, o))
	b.join(bravo, "00000002")
	b.cut = false
	b.settle()
	b.want(bravo, asked(b.take()[bravo]), "readmit 00000002 password")
}

// TestAdmittedAgain: the caller found that the occupant may stay.
func TestAdmittedAgain(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.write(alpha, FieldPassword, "secret")
	b.join(bravo, "00000001")
	b.settle()
	o := b.rooms[bravo].own.occupants["00000001"].Occupant
	o.Admitted = b.rooms[bravo].Snapshot().Context
	b.do(bravo, b.rooms[bravo].Put(b.now, o))
	b.take()
	o.Epoch++
	b.settle()
	b.do(alpha, b.rooms[alpha].Put(b.now, o))
	b.want(alpha, asked(b.take()[alpha]))
}

func asked(effects []Effect) []Effect {
	var out []Effect
	for _, e := range effects {
		if _, ok := e.(Readmit); ok {
			out = append(out, e)
		}
	}
	return out
}
